import {
  Button,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Radio,
  RadioGroup,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useMemo, useRef, useState, type ReactNode } from "react";
import { Controller, useForm } from "react-hook-form";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { ApiError } from "@/api/client";
import type { TaskType } from "@/api/types";
import { parseClasses } from "@/classes";
import { formatBytes, formatNumber } from "@/format";
import { faultText, problemText } from "@/problems";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";
import { usePageTitle } from "@/ui/usePageTitle";
import type { Chosen } from "@/upload/images";
import type { UploadOutcome, UploadProgress } from "@/upload/upload";

import { ClassPreview } from "./ClassPreview";
import { makeDataset, makeProject, newAttempt, uploadFiles, type Plan } from "./create";
import { ImagePicker } from "@/upload/ImagePicker";

const types = ["multiclass", "multilabel", "boxes", "polygons"] as const satisfies TaskType[];
const MIN_CLASSES = 2;
const LISTED = 100;

interface Values {
  name: string;
  type: TaskType;
  classes: string;
  text: string;
  link: string;
}

const useStyles = makeStyles({
  title: { fontSize: "20px", lineHeight: "28px", fontWeight: 600, margin: "0 0 16px" },
  form: { display: "grid", gap: "16px" },
  types: {
    display: "grid",
    gap: "8px",
    gridTemplateColumns: "repeat(4, minmax(0, 1fr))",
    // Apart from each other: which of two that both hold comes last is not ours to say.
    "@media (min-width: 480.1px) and (max-width: 900px)": {
      gridTemplateColumns: "repeat(2, minmax(0, 1fr))",
    },
    "@media (max-width: 480px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  type: {
    position: "relative",
    alignItems: "flex-start",
    border: `1px solid ${tokens.colorNeutralStroke1}`,
    borderRadius: "6px",
    padding: "6px 6px 8px",
    ":has(input:checked)": {
      outline: `2px solid ${tokens.colorCompoundBrandStroke}`,
      outlineOffset: "-1px",
    },
    ":has(input:focus-visible)": { boxShadow: `0 0 0 2px ${tokens.colorStrokeFocus2}` },
  },
  typeLabel: { display: "grid", gap: "2px" },
  typeName: { display: "flex", alignItems: "center", gap: "6px", fontWeight: 600 },
  quiet: { color: tokens.colorNeutralForeground3, fontSize: "12px", lineHeight: "16px" },
  two: {
    display: "grid",
    gap: "16px 24px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    "@media (max-width: 720px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  textarea: { minHeight: "200px" },
  instructions: { minHeight: "112px" },
  stack: { display: "grid", gap: "12px" },
  name: { maxWidth: "480px" },
  foot: {
    position: "sticky",
    bottom: 0,
    zIndex: 1,
    display: "grid",
    gap: "12px",
    padding: "12px 0",
    backgroundColor: tokens.colorNeutralBackground2,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  doIt: { display: "flex", alignItems: "center", justifyContent: "flex-end", gap: "12px" },
  doing: { flex: 1, display: "grid", gap: "6px", minWidth: 0 },
  list: {
    maxHeight: "160px",
    overflowY: "auto",
    margin: "8px 0 0",
    paddingLeft: "20px",
    fontSize: "12px",
    lineHeight: "18px",
  },
});

type Doing =
  | { name: "editing" }
  | { name: "uploading"; progress: UploadProgress }
  | { name: "creating" }
  | { name: "partly"; outcome: UploadOutcome };

/** Everything a project needs, on one page. */
export default function NewProject(): ReactNode {
  const { t, i18n } = useTranslation();
  usePageTitle(t("new.title"));
  const styles = useStyles();
  const [, navigate] = useLocation();
  const [files, setFiles] = useState<Chosen[]>([]);
  const [doing, setDoing] = useState<Doing>({ name: "editing" });
  const [problem, setProblem] = useState("");
  const attempt = useRef(newAttempt());
  const form = useForm<Values>({
    defaultValues: { name: "", type: "multiclass", classes: "", text: "", link: "" },
  });
  const { errors } = form.formState;
  const classesText = form.watch("classes");
  const { names, faults } = useMemo(() => parseClasses(classesText), [classesText]);
  const busy = doing.name === "uploading" || doing.name === "creating";
  const number = (value: number) => formatNumber(value, i18n.language);

  const planOf = (values: Values): Plan => ({
    name: values.name.trim(),
    taskType: values.type,
    classes: names,
    instructions: { text: values.text.trim(), link: values.link.trim() },
    files,
  });
  const create = async (plan: Plan, evenPartly: boolean): Promise<void> => {
    setProblem("");
    try {
      await makeDataset(plan, attempt.current);
      if (!evenPartly) {
        const outcome = await uploadFiles(
          plan,
          attempt.current,
          (progress) => setDoing({ name: "uploading", progress }),
          new AbortController().signal,
        );
        if (outcome.refused.length || outcome.failed.length) {
          setDoing({ name: "partly", outcome });
          return;
        }
      }
      setDoing({ name: "creating" });
      const project = await makeProject(plan, attempt.current);
      navigate(`/projects/${project.project_id}`);
    } catch (error) {
      setDoing({ name: "editing" });
      if (!(error instanceof ApiError)) throw error;
      const at = (pointer: string) => error.faults.find((one) => one.pointer.startsWith(pointer));
      const textOf = (fault: ApiError["faults"][number]) => faultText(fault.code, fault.detail);
      const name = at("/name");
      const link = at("/instructions/link");
      const classes = at("/classes");
      if (name) form.setError("name", { message: textOf(name) }, { shouldFocus: true });
      if (link) form.setError("link", { message: textOf(link) }, { shouldFocus: true });
      if (classes) form.setError("classes", { message: textOf(classes) }, { shouldFocus: true });
      if (!name && !link && !classes) setProblem(problemText(error));
    }
  };
  const submit = (evenPartly = false) =>
    form.handleSubmit((values) => create(planOf(values), evenPartly));

  return (
    <>
      <h1 className={styles.title}>{t("new.title")}</h1>
      <form className={styles.form} onSubmit={submit()} noValidate>
        <Panel title={t("new.details")}>
          <div className={styles.stack}>
            <Field
              className={styles.name}
              label={t("new.name")}
              required
              validationMessage={errors.name?.message}
            >
              <Input
                {...form.register("name", {
                  validate: (name) => Boolean(name.trim()) || t("new.nameMissing"),
                })}
                maxLength={200}
                autoComplete="off"
                disabled={busy}
              />
            </Field>
            <Field label={t("new.type")} hint={t("new.typeHint")}>
              <Controller
                name="type"
                control={form.control}
                render={({ field }) => (
                  <RadioGroup
                    className={styles.types}
                    name={field.name}
                    value={field.value}
                    disabled={busy}
                    onChange={(_, data) => field.onChange(data.value)}
                  >
                    {types.map((type) => (
                      <Radio
                        key={type}
                        className={styles.type}
                        value={type}
                        label={
                          <span className={styles.typeLabel}>
                            <span className={styles.typeName}>
                              <Icon name={type} size={18} />
                              {t(`types.${type}.name`)}
                            </span>
                            <span className={styles.quiet}>{t(`types.${type}.text`)}</span>
                          </span>
                        }
                      />
                    ))}
                  </RadioGroup>
                )}
              />
            </Field>
          </div>
        </Panel>
        <Panel title={t("new.images")}>
          <ImagePicker
            files={files}
            disabled={busy}
            onChange={(chosen) => {
              setFiles(chosen);
              setDoing({ name: "editing" });
            }}
          />
        </Panel>
        <Panel title={t("new.classes")}>
          <div className={styles.two}>
            <Field
              label={t("new.classesLabel")}
              hint={t("new.classesHint")}
              validationMessage={errors.classes?.message}
              required
            >
              <Textarea
                {...form.register("classes", {
                  validate: (text) => {
                    const parsed = parseClasses(text);
                    const [fault] = parsed.faults;
                    if (fault)
                      return t(`new.faults.${fault.fault}`, { line: fault.line, text: fault.text });
                    return parsed.names.length >= MIN_CLASSES || t("new.classesMissing");
                  },
                })}
                textarea={{ className: styles.textarea }}
                resize="vertical"
                spellCheck={false}
                disabled={busy}
              />
            </Field>
            <ClassPreview names={names} faults={faults} />
          </div>
        </Panel>
        <Panel title={t("new.instructions")}>
          <div className={styles.stack}>
            <Field label={t("new.text")} hint={t("new.textHint")}>
              <Textarea
                {...form.register("text")}
                textarea={{ className: styles.instructions }}
                resize="vertical"
                maxLength={20_000}
                disabled={busy}
              />
            </Field>
            <Field
              className={styles.name}
              label={t("new.link")}
              validationMessage={errors.link?.message}
            >
              <Input
                {...form.register("link", {
                  validate: (link) => !link.trim() || isWebAddress(link) || t("new.linkWrong"),
                })}
                type="url"
                disabled={busy}
              />
            </Field>
          </div>
        </Panel>
        <div className={styles.foot}>
          {problem && (
            <MessageBar intent="error" layout="multiline">
              <MessageBarBody>{t("new.notCreated", { detail: problem })}</MessageBarBody>
            </MessageBar>
          )}
          {doing.name === "partly" && (
            <MessageBar intent="warning" layout="multiline">
              <MessageBarBody>
                {t("new.partly", {
                  stored: number(doing.outcome.stored.length),
                  missing: number(doing.outcome.refused.length + doing.outcome.failed.length),
                })}
                <ul className={styles.list} data-testid="refused-files">
                  {doing.outcome.refused.slice(0, LISTED).map(({ path, why }) => (
                    <li key={path}>{t("new.refusedFile", { path, why })}</li>
                  ))}
                  {doing.outcome.failed.slice(0, LISTED).map(({ path }) => (
                    <li key={path}>{t("new.failedFile", { path })}</li>
                  ))}
                </ul>
              </MessageBarBody>
            </MessageBar>
          )}
          <div className={styles.doIt}>
            {doing.name === "uploading" && (
              <div className={styles.doing} role="status" data-testid="upload-progress">
                <span>
                  {t("new.uploading", {
                    done: number(doing.progress.done),
                    files: number(doing.progress.files),
                    bytes: formatBytes(doing.progress.bytes, i18n.language),
                    all: formatBytes(doing.progress.allBytes, i18n.language),
                  })}
                </span>
                <ProgressBar
                  total={doing.progress.allBytes}
                  parts={[{ count: doing.progress.bytes, color: tokens.colorBrandBackground }]}
                />
              </div>
            )}
            {!busy && <Button onClick={() => navigate("/?list")}>{t("new.cancel")}</Button>}
            {doing.name === "partly" && doing.outcome.failed.length > 0 && (
              <Button onClick={submit()}>{t("new.tryAgain")}</Button>
            )}
            {doing.name === "partly" ? (
              <Button
                appearance="primary"
                disabled={!doing.outcome.stored.length}
                onClick={submit(true)}
              >
                {t("new.createAnyway", { count: doing.outcome.stored.length })}
              </Button>
            ) : (
              <Button type="submit" appearance="primary" disabledFocusable={busy || !files.length}>
                {busy ? t(`new.${doing.name}Short`) : t("new.create")}
              </Button>
            )}
          </div>
        </div>
      </form>
    </>
  );
}

function isWebAddress(text: string): boolean {
  const protocol = URL.parse(text.trim())?.protocol;
  return protocol === "https:" || protocol === "http:";
}
