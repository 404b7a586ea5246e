import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  tokens,
} from "@fluentui/react-components";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, useLocation } from "wouter";

import { ApiError } from "@/api/client";
import { projectsQuery } from "@/api/queries";
import { formatBytes, formatNumber } from "@/format";
import { faultText, problemText } from "@/problems";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";
import { usePageTitle } from "@/ui/usePageTitle";
import { refusalText } from "@/upload/refusal";
import type { UploadOutcome, UploadProgress } from "@/upload/upload";

import { AssistStep } from "./AssistStep";
import { ClassesStep } from "./ClassesStep";
import { inviteAll, makeDataset, makeProject, uploadFiles } from "./create";
import { DetailsStep } from "./DetailsStep";
import {
  discard,
  isBlank,
  missingOf,
  steps,
  useWork,
  type Missing,
  type Step,
  type Work,
} from "./draft";
import { ImagesStep } from "./ImagesStep";
import { InstructionsStep } from "./InstructionsStep";
import { PeopleStep } from "./PeopleStep";
import { Summary } from "./Summary";

const LISTED = 100;

/** What a place of the form says in red: what can't be as it is, or what the API refused. */
type Problems = Partial<
  Record<"name" | "team" | "topics" | "images" | "classes" | "link" | "people", string>
>;

export interface StepProps extends Work {
  busy: boolean;
  problems: Problems;
}

const useStyles = makeStyles({
  title: { fontSize: "20px", lineHeight: "28px", fontWeight: 600, margin: "0 0 12px" },
  steps: {
    display: "flex",
    gap: "4px",
    margin: "0 0 12px",
    padding: 0,
    listStyle: "none",
    flexWrap: "wrap",
  },
  step: {
    display: "flex",
    alignItems: "center",
    gap: "6px",
    minHeight: "32px",
    padding: "0 10px",
    borderRadius: "4px",
    color: tokens.colorNeutralForeground2,
    textDecorationLine: "none",
    ":hover": { backgroundColor: tokens.colorNeutralBackground1Hover },
    "@media (pointer: coarse)": { minHeight: "44px", minWidth: "44px" },
  },
  here: {
    fontWeight: 600,
    color: tokens.colorNeutralForeground1,
    backgroundColor: tokens.colorNeutralBackground1Selected,
  },
  foot: {
    position: "sticky",
    bottom: 0,
    zIndex: 1,
    display: "grid",
    gap: "12px",
    marginTop: "16px",
    padding: "12px 0",
    backgroundColor: tokens.colorNeutralBackground2,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  doIt: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    justifyContent: "flex-end",
    gap: "8px 12px",
  },
  grow: { flex: 1, minWidth: "200px" },
  doing: { display: "grid", gap: "6px" },
  quiet: { color: tokens.colorNeutralForeground3, fontSize: "12px", lineHeight: "16px" },
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
  | { name: "partly"; outcome: UploadOutcome }
  | { name: "made"; projectId: string; notInvited: string[] };

const stepsWith = {
  details: DetailsStep,
  images: ImagesStep,
  classes: ClassesStep,
  instructions: InstructionsStep,
  assist: AssistStep,
  people: PeopleStep,
  summary: Summary,
} satisfies Record<Step, (props: StepProps) => ReactNode>;

/** Everything a project needs, step by step; the draft is kept whatever happens. */
export default function NewProject({ step: asked }: { step: string }): ReactNode {
  const { t, i18n } = useTranslation();
  usePageTitle(t("new.title"));
  const styles = useStyles();
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const work = useWork();
  const [doing, setDoing] = useState<Doing>({ name: "editing" });
  const [refused, setRefused] = useState<Problems>({});
  const [problem, setProblem] = useState("");
  const [leaving, setLeaving] = useState(false);
  const hasFiles = work.files.length > 0;
  useEffect(() => {
    // What is written is kept over a reload; what was chosen to upload can't be.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    if (hasFiles) window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [hasFiles]);

  const at = steps.findIndex((one) => one === asked);
  const step = steps[at];
  if (!step) return <Redirect to="/projects/new/details" replace />;

  const busy = doing.name === "uploading" || doing.name === "creating";
  const number = (value: number) => formatNumber(value, i18n.language);
  const missing = missingOf(work);
  const reasonOf = (one: Missing): string => {
    if (one.why === "class")
      return t(`new.faults.${one.fault}`, { line: one.line, text: one.text });
    if (one.why === "address") return t("people.noAddress", { text: one.text });
    if (one.why === "ruleClass") return t("new.missing.ruleClass", { name: one.text });
    return t(`new.missing.${one.why}`);
  };
  // What was not written yet is told below; what can't be as it was written, beside it too.
  const wrong = (why: Missing["why"]) => {
    const found = missing.find((one) => one.why === why);
    return found && reasonOf(found);
  };
  const problems: Problems = {
    ...refused,
    ...definedOf({
      topics: wrong("topics"),
      classes: wrong("class"),
      link: wrong("link"),
      people: wrong("address"),
    }),
  };
  const pathOf = (one: Step) => `/projects/new/${one}`;

  const finish = (projectId: string) => {
    discard();
    void queries.invalidateQueries(projectsQuery);
    navigate(`/projects/${projectId}`);
  };
  const create = async (evenPartly: boolean): Promise<void> => {
    setProblem("");
    setRefused({});
    setDoing({ name: "creating" });
    try {
      const datasetId = await makeDataset(work);
      if (work.draft.from === "upload" && !evenPartly) {
        const outcome = await uploadFiles(
          work,
          datasetId,
          (progress) => setDoing({ name: "uploading", progress }),
          new AbortController().signal,
        );
        if (outcome.refused.length || outcome.failed.length) {
          setDoing({ name: "partly", outcome });
          return;
        }
      }
      setDoing({ name: "creating" });
      const project = await makeProject(work, datasetId);
      const notInvited = await inviteAll(project.project_id, work.draft);
      if (!notInvited.length) finish(project.project_id);
      else setDoing({ name: "made", projectId: project.project_id, notInvited });
    } catch (error) {
      setDoing({ name: "editing" });
      if (!(error instanceof ApiError)) throw error;
      const [told, where] = placeOf(error);
      if (told) setRefused(told);
      else setProblem(problemText(error));
      if (where) navigate(pathOf(where));
    }
  };
  const Shown = stepsWith[step];
  const next = steps[at + 1];
  const before = steps[at - 1];
  return (
    <>
      <h1 className={styles.title}>{t("new.title")}</h1>
      <nav aria-label={t("new.stepsLabel")}>
        <ol className={styles.steps}>
          {steps.map((one) => (
            <li key={one}>
              <Link
                href={pathOf(one)}
                className={mergeClasses(styles.step, one === step && styles.here)}
                {...(one === step && { "aria-current": "step" as const })}
              >
                {isDone(one, work, missing) && <Icon name="check" size={16} />}
                {t(`new.steps.${one}`)}
              </Link>
            </li>
          ))}
        </ol>
      </nav>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (next) navigate(pathOf(next));
          else if (!missing.length && !busy) void create(false);
        }}
      >
        <Panel title={t(`new.steps.${step}`)}>
          <Shown {...work} busy={busy} problems={problems} />
        </Panel>
        <div className={styles.foot}>
          {problem && (
            <MessageBar intent="error" layout="multiline">
              <MessageBarBody>{t("new.notCreated", { detail: problem })}</MessageBarBody>
            </MessageBar>
          )}
          {doing.name === "made" && (
            <MessageBar intent="warning" layout="multiline">
              <MessageBarBody>
                {t("new.notInvited", { people: doing.notInvited.join(", ") })}
              </MessageBarBody>
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
                  {doing.outcome.refused.slice(0, LISTED).map(({ path, ...said }) => (
                    <li key={path}>{t("new.refusedFile", { path, why: refusalText(said) })}</li>
                  ))}
                  {doing.outcome.failed.slice(0, LISTED).map(({ path }) => (
                    <li key={path}>{t("new.failedFile", { path })}</li>
                  ))}
                </ul>
              </MessageBarBody>
            </MessageBar>
          )}
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
          <div className={styles.doIt}>
            <span className={mergeClasses(styles.grow, styles.quiet)} id="new-missing">
              {missing.length > 0 &&
                t("new.stillMissing", { reasons: missing.map(reasonOf).join(" · ") })}
            </span>
            {!busy && doing.name !== "made" && (
              <>
                <Button
                  appearance="subtle"
                  onClick={() => (isBlank(work) ? navigate("/?list") : setLeaving(true))}
                >
                  {t("new.cancel")}
                </Button>
                {before && (
                  <Button onClick={() => navigate(pathOf(before))}>{t("new.back")}</Button>
                )}
                {next && (
                  <Button type="submit" appearance={missing.length ? "primary" : "secondary"}>
                    {t("new.next")}
                  </Button>
                )}
              </>
            )}
            {doing.name === "partly" && doing.outcome.failed.length > 0 && (
              <Button onClick={() => void create(false)}>{t("new.tryAgain")}</Button>
            )}
            {doing.name === "made" ? (
              <Button appearance="primary" onClick={() => finish(doing.projectId)}>
                {t("new.open")}
              </Button>
            ) : doing.name === "partly" ? (
              <Button
                appearance="primary"
                disabled={!doing.outcome.stored.length}
                onClick={() => void create(true)}
              >
                {t("new.createAnyway", { count: doing.outcome.stored.length })}
              </Button>
            ) : (
              <Button
                appearance={missing.length ? "secondary" : "primary"}
                aria-describedby="new-missing"
                disabledFocusable={busy || missing.length > 0}
                onClick={() => void create(false)}
              >
                {busy ? t(`new.${doing.name}Short`) : t("new.create")}
              </Button>
            )}
          </div>
        </div>
      </form>
      <Dialog open={leaving} onOpenChange={(_, data) => setLeaving(data.open)}>
        <DialogSurface>
          <DialogBody>
            <DialogTitle>{t("new.leaveTitle")}</DialogTitle>
            <DialogContent>{t("new.leaveText")}</DialogContent>
            <DialogActions fluid>
              <Button onClick={() => setLeaving(false)}>{t("new.stay")}</Button>
              <Button
                onClick={() => {
                  discard();
                  navigate("/?list");
                }}
              >
                {t("new.discard")}
              </Button>
              <Button appearance="primary" onClick={() => navigate("/?list")}>
                {t("new.keep")}
              </Button>
            </DialogActions>
          </DialogBody>
        </DialogSurface>
      </Dialog>
    </>
  );
}

function definedOf(problems: Record<string, string | undefined>): Problems {
  return Object.fromEntries(Object.entries(problems).filter(([, text]) => text));
}

function isDone(step: Step, { draft }: Work, missing: readonly Missing[]): boolean {
  if (missing.some((one) => one.step === step)) return false;
  if (step === "instructions") return Boolean(draft.text.trim());
  if (step === "assist") return draft.assist.on;
  if (step === "people") return Boolean(draft.people.trim());
  return step !== "summary";
}

/** Where what the API refused stands in the form, in words. */
function placeOf(error: ApiError): [Problems | null, Step | null] {
  for (const { pointer, code, detail } of error.faults) {
    const text = faultText(code, detail);
    if (pointer.startsWith("/name")) return [{ name: text }, "details"];
    if (pointer.startsWith("/team")) return [{ team: text }, "details"];
    if (pointer.startsWith("/topics")) return [{ topics: text }, "details"];
    if (["/source", "/container", "/dataset_id"].some((one) => pointer.startsWith(one)))
      return [{ images: text }, "images"];
    if (pointer.startsWith("/classes")) return [{ classes: text }, "classes"];
    if (pointer.startsWith("/instructions/link")) return [{ link: text }, "instructions"];
    if (pointer.startsWith("/assist")) return [null, "assist"];
    if (pointer.startsWith("/assignments")) return [null, "people"];
  }
  return [null, null];
}
