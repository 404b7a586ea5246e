import {
  Button,
  Checkbox,
  Field,
  Input,
  makeStyles,
  Radio,
  RadioGroup,
  Select,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import { formatsQuery, progressQuery } from "@/api/queries";
import type { Import, ImportOptions, ImportView, Project } from "@/api/types";
import { formatBytes, formatNumber, formatTime } from "@/format";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";

const LOOK_EVERY_MS = 2_000;
const SHOWN = 5;

const useStyles = makeStyles({
  progress: { justifyContent: "start" },
  form: { display: "grid", gap: "12px", gridTemplateColumns: "minmax(0, 1fr)" },
  file: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px 12px" },
  name: { overflowWrap: "anywhere" },
  buttons: { display: "flex", flexWrap: "wrap", gap: "8px" },
  list: { display: "grid", gap: "4px", margin: "12px 0 0", padding: 0, listStyle: "none" },
  row: {
    display: "grid",
    gap: "4px",
    gridTemplateColumns: "minmax(0, 1fr)",
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`,
    paddingTop: "8px",
  },
  quiet: { color: tokens.colorNeutralForeground3, fontSize: "12px", lineHeight: "16px", margin: 0 },
  problem: { color: tokens.colorStatusDangerForeground1, margin: 0, overflowWrap: "anywhere" },
  report: { margin: "4px 0 0", paddingLeft: "20px", overflowWrap: "anywhere" },
  summary: {
    cursor: "pointer",
    "@media (pointer: coarse)": { minHeight: "44px", lineHeight: "44px" },
  },
});

const works = (one: Import) => one.state === "reading" || one.state === "importing";

const importsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["imports", projectId],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/imports", {
            params: { path: { project_id: projectId } },
          }),
        )
      ).items,
    refetchInterval: ({ state }) => (state.data?.some(works) ? LOOK_EVERY_MS : false),
  });

/** Brings labels that were made elsewhere, and tells what became of them. */
export function ImportPanel({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const projectId = project.project_id;
  const imports = useQuery(importsQuery(projectId)).data;
  const picker = useRef<HTMLInputElement>(null);
  const [sent, setSent] = useState<{ bytes: number; all: number } | null>(null);
  const [brought, setBrought] = useState<ImportView | null>(null);
  const bring = useMutation({
    mutationFn: async (file: File) => {
      setBrought(null);
      const made = await unwrap(
        api.POST("/api/projects/{project_id}/imports", {
          params: { path: { project_id: projectId } },
          body: { file_name: file.name },
        }),
      );
      const { putFile } = await import("@/upload/upload");
      await putFile(made.url, file, "application/octet-stream", (bytes) =>
        setSent({ bytes, all: file.size }),
      );
      return unwrap(
        api.GET("/api/projects/{project_id}/imports/{import_id}", {
          params: { path: { project_id: projectId, import_id: made.import_id } },
        }),
      );
    },
    onSuccess: setBrought,
    onSettled: () => setSent(null),
  });
  const shown = imports?.filter((one) => one.state !== "waiting").slice(0, SHOWN);
  return (
    <Panel title={t("imports.title")}>
      <div className={styles.form}>
        <p className={styles.quiet}>{t("imports.hint")}</p>
        <div className={styles.file}>
          <input
            ref={picker}
            type="file"
            hidden
            data-testid="labels-file"
            accept=".json,.jsonl,.csv,.tsv,.xml,.zip"
            onChange={({ target }) => {
              const file = target.files?.[0];
              target.value = "";
              if (file) bring.mutate(file);
            }}
          />
          <Button disabledFocusable={bring.isPending} onClick={() => picker.current?.click()}>
            {t("imports.choose")}
          </Button>
          {brought && <span className={styles.name}>{brought.file_name}</span>}
        </div>
        {sent && (
          <div role="status">
            {t("imports.sending", {
              bytes: formatBytes(sent.bytes, i18n.language),
              all: formatBytes(sent.all, i18n.language),
            })}
            <ProgressBar
              total={sent.all}
              parts={[{ count: sent.bytes, color: tokens.colorBrandBackground }]}
            />
          </div>
        )}
        {bring.isError && (
          <p role="alert" className={styles.problem}>
            {t("imports.notBrought", { detail: problemText(bring.error) })}
          </p>
        )}
        {brought && (
          <Choices
            key={brought.import_id}
            project={project}
            brought={brought}
            onStarted={() => {
              setBrought(null);
              announce(t("imports.started"));
              void queries.invalidateQueries(importsQuery(projectId));
            }}
          />
        )}
      </div>
      {Boolean(shown?.length) && (
        <ul className={styles.list}>
          {shown?.map((one) => (
            <Report key={one.import_id} one={one} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

interface ChoicesProps {
  project: Project;
  brought: ImportView;
  onStarted: () => void;
}

/** How to take in a file that is there. */
function Choices({ project, brought, onStarted }: ChoicesProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const projectId = project.project_id;
  const formats = useQuery(formatsQuery).data?.filter((one) => one.reads);
  const [format, setFormat] = useState(brought.guess ?? "");
  const [into, setInto] = useState<ImportOptions["into"]>("suggestions");
  const [run, setRun] = useState("");
  const [create, setCreate] = useState(false);
  const [empty, setEmpty] = useState(false);
  const start = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/projects/{project_id}/imports/{import_id}/start", {
          params: { path: { project_id: projectId, import_id: brought.import_id } },
          body: {
            format,
            into,
            unknown_classes: create ? "create" : "refuse",
            empty: into === "labels" && empty ? "label" : "leave",
            run_id: (into === "suggestions" && run.trim()) || null,
            model: "",
          },
        }),
      ),
    onSuccess: () => {
      onStarted();
      void queries.invalidateQueries(progressQuery(projectId));
    },
  });
  const guessed = formats?.find(({ name }) => name === brought.guess);
  return (
    <>
      <Field
        label={t("imports.format")}
        hint={guessed ? t("imports.guessed", { title: guessed.title }) : t("imports.noGuess")}
      >
        <Select value={format} onChange={(_, { value }) => setFormat(value)}>
          {!format && <option value="">{t("imports.pick")}</option>}
          {formats?.map((one) => (
            <option key={one.name} value={one.name}>
              {one.title}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("imports.as")} hint={t(`imports.hintOf.${into}`)}>
        <RadioGroup
          value={into}
          onChange={(_, { value }) => setInto(value === "labels" ? "labels" : "suggestions")}
        >
          <Radio value="suggestions" label={t("imports.into.suggestions")} />
          <Radio value="labels" label={t("imports.into.labels")} />
        </RadioGroup>
      </Field>
      {into === "suggestions" && (
        <Field label={t("imports.run")} hint={t("imports.runHint")}>
          <Input value={run} maxLength={64} onChange={(_, { value }) => setRun(value)} />
        </Field>
      )}
      <div>
        <Checkbox
          checked={create}
          label={t("imports.create")}
          onChange={(_, { checked }) => setCreate(checked === true)}
        />
        {into === "labels" && project.task_type !== "multiclass" && (
          <Checkbox
            checked={empty}
            label={t("imports.empty")}
            onChange={(_, { checked }) => setEmpty(checked === true)}
          />
        )}
      </div>
      {start.isError && (
        <p role="alert" className={styles.problem}>
          {problemText(start.error)}
        </p>
      )}
      <div className={styles.buttons}>
        <Button
          appearance="primary"
          disabledFocusable={!format || start.isPending}
          onClick={() => format && start.mutate()}
        >
          {t("imports.start")}
        </Button>
      </div>
    </>
  );
}

/** What became of an import. */
function Report({ one }: { one: Import }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const formats = useQuery(formatsQuery).data;
  const number = (value: number) => formatNumber(value, i18n.language);
  const title = formats?.find(({ name }) => name === one.options.format)?.title;
  const lines = [
    ...Object.entries(one.left_out).map(([why, told]) => ({
      key: why,
      text: t("imports.line", {
        what: t(`imports.leftOut.${why}` as never),
        n: number(told.count),
      }),
      first: told.first,
    })),
    ...Object.entries(one.found).map(([kind, told]) => ({
      key: kind,
      text: t("imports.line", { what: t(`imports.found.${kind}` as never), n: number(told.count) }),
      first: told.first,
    })),
  ];
  const unknown = Object.entries(one.unknown_classes);
  return (
    <li className={styles.row} data-testid="import" data-state={one.state}>
      <span className={styles.name}>
        {one.file_name}
        <span className={styles.quiet}>
          {" "}
          {[title, t(`imports.into.${one.options.into}`), formatTime(one.created_at, i18n.language)]
            .filter(Boolean)
            .join(" · ")}
        </span>
      </span>
      {works(one) && (
        <Spinner
          className={styles.progress}
          size="tiny"
          labelPosition="after"
          label={
            one.state === "reading"
              ? t("imports.reading")
              : t("imports.taking", { done: number(one.taken), parts: number(one.parts) })
          }
        />
      )}
      {one.state === "failed" && (
        <p role="alert" className={styles.problem}>
          {t("imports.failed", {
            detail: one.problem_code ? t(`imports.problems.${one.problem_code}`) : one.problem,
          })}
          {one.problem_code && <span className={styles.quiet}> {one.problem}</span>}
        </p>
      )}
      {(one.state === "done" || one.state === "importing") && (
        <span>
          {t("imports.result", {
            images: number(one.images),
            saved: number(one.saved),
            annotations: number(one.annotations),
            unchanged: number(one.unchanged),
          })}
        </span>
      )}
      {one.new_classes.length > 0 && (
        <span>{t("imports.newClasses", { names: one.new_classes.join(", ") })}</span>
      )}
      {(lines.length > 0 || unknown.length > 0) && (
        <details>
          <summary className={styles.summary}>
            {t("imports.notAll", { count: lines.length + (unknown.length ? 1 : 0) })}
          </summary>
          <ul className={styles.report}>
            {unknown.length > 0 && (
              <li>
                {t("imports.unknown", {
                  names: unknown.map(([name, count]) => `${name} (${number(count)})`).join(", "),
                })}
              </li>
            )}
            {lines.map(({ key, text, first }) => (
              <li key={key}>
                {text}
                <span className={styles.quiet}> {first.join(", ")}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}
