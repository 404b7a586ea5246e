import {
  Button,
  FluentProvider,
  makeStyles,
  mergeClasses,
  Skeleton,
  SkeletonItem,
  tokens,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Annotation, HistoryEntry, LabelClass } from "@/api/types";
import { formatNumber, formatTime } from "@/format";
import { useCommands } from "@/keys/keyboard";
import { problemText } from "@/problems";
import { stageTheme } from "@/theme";
import { CommandButton } from "@/keys/CommandButton";
import { Icon } from "@/ui/Icon";
import { Message } from "@/ui/Message";

import { Answers } from "./Answers";
import { ClassChips } from "./ClassChips";
import { difference } from "./difference";
import { isFlag } from "./filters";
import { Opinions } from "./Opinions";
import { historyQuery, itemQuery, opinionsQuery } from "./queries";
import { Shapes } from "./Shapes";

const useStyles = makeStyles({
  root: {
    display: "grid",
    gap: "12px",
    gridTemplateColumns: "minmax(0, 1fr) 320px",
    gridTemplateRows: "auto minmax(0, 1fr)",
    // What the frame leaves of the window.
    height: "calc(100dvh - 48px - 32px)",
    minHeight: "420px",
    "@media (max-width: 860px)": {
      gridTemplateColumns: "minmax(0, 1fr)",
      gridTemplateRows: "auto minmax(0, 50dvh) auto",
      height: "auto",
    },
  },
  bar: {
    gridColumn: "1 / -1",
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "4px 8px",
  },
  title: {
    margin: 0,
    fontSize: "14px",
    lineHeight: "20px",
    fontWeight: 600,
    minWidth: 0,
    marginRight: "auto",
    overflowWrap: "anywhere",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "2px" },
  },
  stage: { height: "100%", borderRadius: "6px", overflow: "hidden" },
  pane: {
    position: "relative",
    height: "100%",
    backgroundColor: tokens.colorNeutralBackground2,
  },
  image: { position: "absolute", inset: 0, width: "100%", height: "100%", objectFit: "contain" },
  side: {
    display: "grid",
    alignContent: "start",
    gap: "16px",
    overflowY: "auto",
    padding: "12px 16px",
    borderRadius: "6px",
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  heading: { margin: "0 0 6px", fontSize: "14px", lineHeight: "20px", fontWeight: 600 },
  facts: {
    display: "grid",
    gridTemplateColumns: "auto minmax(0, 1fr)",
    gap: "4px 12px",
    margin: 0,
  },
  fact: { color: tokens.colorNeutralForeground3 },
  value: { margin: 0, overflowWrap: "anywhere" },
  history: { display: "grid", gap: "4px", margin: 0, padding: 0, listStyle: "none" },
  entry: {
    display: "grid",
    gap: "2px",
    width: "100%",
    padding: "6px 8px",
    border: "none",
    borderRadius: "4px",
    background: "none",
    color: "inherit",
    font: "inherit",
    textAlign: "left",
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
  },
  shown: { backgroundColor: tokens.colorSubtleBackgroundSelected },
  small: { fontSize: "12px", lineHeight: "16px", color: tokens.colorNeutralForeground3 },
  quote: { overflowWrap: "anywhere" },
});

interface Props {
  projectId: string;
  itemId: string;
  classes: readonly LabelClass[];
  /** Where it stands in the list, as far as that is known. */
  position: { index: number; count: number } | null;
  /** What can be done with it, in its present state. */
  actions: ReactNode;
  /** Makes its labels what they were at a moment; null where they can't be changed. */
  onRevert: ((before: string) => void) | null;
  onStep: (by: 1 | -1) => void;
  /** A reviewer took one of several people's answers, or merged them. */
  onDecided: () => void;
  onClose: () => void;
}

interface Shown {
  labeler: string;
  annotations: readonly Annotation[];
}

/** One image as large as it fits, with what became of it until now. */
export function LargeView(props: Props): ReactNode {
  const { projectId, itemId, classes, position, actions, onRevert, onStep, onDecided, onClose } =
    props;
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const item = useQuery(itemQuery(projectId, itemId));
  const history = useQuery(historyQuery(projectId, itemId, item.data?.revision)).data;
  const disputed = item.data?.state === "needs_review";
  const answers =
    useQuery({
      ...opinionsQuery(projectId, itemId, item.data?.revision ?? 0),
      enabled: disputed,
    }).data?.items ?? [];
  const [chosen, setChosen] = useState<number | null>(null);
  const [opinion, setOpinion] = useState<Shown | null>(null);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), [itemId]);
  useCommands("review", {
    nextItem: () => onStep(1),
    previousItem: () => onStep(-1),
    closeItem: onClose,
  });
  if (item.isError && !item.data)
    return (
      <Message
        icon="warning"
        title={t("data.noItem")}
        actions={<Button onClick={onClose}>{t("data.back")}</Button>}
      >
        {problemText(item.error)}
      </Message>
    );
  const { data } = item;
  const entries = history?.items ?? [];
  const past = chosen === null ? undefined : entries[chosen];
  const shown: readonly Annotation[] =
    past?.annotations ?? opinion?.annotations ?? data?.annotations ?? [];
  const compared = disputed && !past && !opinion && answers.length > 1;
  const draw = (annotations: readonly Annotation[]) =>
    data && (
      <>
        <img
          key={itemId}
          src={data.images.preview}
          alt={data.path}
          className={styles.image}
          draggable={false}
        />
        <Shapes
          annotations={annotations}
          classes={classes}
          width={data.width}
          height={data.height}
          stroke={2}
        />
      </>
    );
  const nameOf = (user: string) => history?.names[user] ?? user;
  return (
    <section className={styles.root} aria-label={t("commands.large")}>
      <div className={styles.bar}>
        <CommandButton id="closeItem" icon="back" text={t("data.back")} onClick={onClose} />
        <h2 ref={title} tabIndex={-1} className={styles.title}>
          {data?.path ?? " "}
          {position && (
            <span className={styles.small}>
              {"  "}
              {t("data.position", {
                position: formatNumber(position.index + 1, i18n.language),
                count: formatNumber(position.count, i18n.language),
              })}
            </span>
          )}
        </h2>
        {actions}
        <CommandButton id="previousItem" icon="up" onClick={() => onStep(-1)} />
        <CommandButton id="nextItem" icon="chevron" onClick={() => onStep(1)} />
      </div>
      <FluentProvider theme={stageTheme} className={styles.stage}>
        <div className={styles.pane}>
          {draw(compared ? [] : shown)}
          {compared && data && (
            <Answers answers={answers} classes={classes} width={data.width} height={data.height} />
          )}
        </div>
      </FluentProvider>
      <div className={styles.side}>
        {!data ? (
          <Skeleton aria-label={t("projects.loading")}>
            <SkeletonItem size={96} />
          </Skeleton>
        ) : (
          <>
            <dl className={styles.facts} data-testid="item-facts">
              <dt className={styles.fact}>{t("data.state")}</dt>
              <dd className={styles.value}>{t(`data.states.${data.state}`)}</dd>
              {data.approved && (
                <>
                  <dt className={styles.fact}>{t("data.verdict")}</dt>
                  <dd className={styles.value}>{t("data.verdicts.approved")}</dd>
                </>
              )}
              {data.flag && (
                <>
                  <dt className={styles.fact}>{t("data.flag")}</dt>
                  <dd className={styles.value}>
                    {isFlag(data.flag) ? t(`flags.${data.flag}`) : data.flag}
                  </dd>
                </>
              )}
              {data.reason && (
                <>
                  <dt className={styles.fact}>{t("data.why")}</dt>
                  <dd className={styles.value}>{data.reason}</dd>
                </>
              )}
              {data.note && (
                <>
                  <dt className={styles.fact}>{t("data.note")}</dt>
                  <dd className={styles.value}>{data.note}</dd>
                </>
              )}
              <dt className={styles.fact}>{t("data.size")}</dt>
              <dd className={styles.value}>
                {`${data.width} × ${data.height}`}
                {data.frames > 1 && ` · ${t("data.frames", { count: data.frames })}`}
              </dd>
            </dl>
            {!compared && (
              <div>
                <h3 className={styles.heading}>{t("project.classes")}</h3>
                {shown.length > 0 ? (
                  <ClassChips
                    ids={[...new Set(shown.map((one) => one.class_id))]}
                    classes={classes}
                  />
                ) : (
                  <span className={styles.small}>{t("data.noLabels")}</span>
                )}
              </div>
            )}
            <Opinions
              projectId={projectId}
              itemId={itemId}
              revision={data.revision}
              disputed={disputed}
              classes={classes}
              shown={opinion?.labeler ?? null}
              draw={draw}
              onDecided={onDecided}
              onShow={(labeler, annotations) =>
                setOpinion(labeler === null ? null : { labeler, annotations })
              }
            />
            <div>
              <h3 className={styles.heading}>{t("data.history")}</h3>
              {entries.length === 0 && <span className={styles.small}>{t("data.noHistory")}</span>}
              <ol className={styles.history} reversed>
                {entries
                  .map((entry, at) => ({ entry, at, before: lastLabels(entries, at) }))
                  .reverse()
                  .map(({ entry, at, before }) => (
                    <li key={`${entry.revision} ${entry.what} ${entry.submission_id ?? ""}`}>
                      <button
                        type="button"
                        aria-pressed={chosen === at}
                        className={mergeClasses(styles.entry, chosen === at && styles.shown)}
                        onClick={() => setChosen(chosen === at ? null : at)}
                      >
                        <span>{t(`history.${whatOf(entry)}`, { name: nameOf(entry.by) })}</span>
                        {(entry.reason ?? entry.note) && (
                          <span className={styles.quote}>
                            {t("data.quoted", { text: entry.reason ?? entry.note ?? "" })}
                          </span>
                        )}
                        <Changes before={before} after={entry} classes={classes} />
                        <span className={styles.small}>{formatTime(entry.at, i18n.language)}</span>
                      </button>
                    </li>
                  ))}
              </ol>
              {past && (
                <Button
                  size="small"
                  icon={<Icon name="undo" size={16} />}
                  onClick={() => setChosen(null)}
                >
                  {t("data.asNow")}
                </Button>
              )}
              {past?.outcome && !past.overtaken && onRevert && (
                <Button
                  size="small"
                  onClick={() => {
                    setChosen(null);
                    onRevert(past.at);
                  }}
                >
                  {t("data.revertTo")}
                </Button>
              )}
            </div>
          </>
        )}
      </div>
    </section>
  );
}

const KNOWN = [
  "submitted",
  "imported",
  "rejected",
  "answered",
  "approved",
  "unapproved",
  "excluded",
  "started_over",
  "superseded",
  "agreed",
  "disputed",
  "resolved",
  "merged",
  "relabeled",
  "reverted",
] as const;

/** What happened, in words that have a translation. */
function whatOf({ what, outcome, overtaken }: HistoryEntry) {
  if (overtaken) return `overtaken.${overtaken}` as const;
  if (what === "submitted" && (outcome === "skipped" || outcome === "needs_review")) return outcome;
  return KNOWN.find((one) => one === what) ?? "other";
}

/** The labels before a change: a rejection has none of its own, they stay to be begun with. */
function lastLabels(entries: readonly HistoryEntry[], at: number): readonly Annotation[] {
  const before = entries
    .slice(0, at)
    .findLast((one) => one.what !== "superseded" && one.outcome !== null);
  return before?.annotations ?? [];
}

function Changes({
  before,
  after,
  classes,
}: {
  before: readonly Annotation[];
  after: HistoryEntry;
  classes: readonly LabelClass[];
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  if (!after.outcome) return null;
  const changes = difference(before, after.annotations);
  if (!changes.length) return null;
  const nameOf = (id: string) => classes.find((one) => one.class_id === id)?.name ?? id;
  return (
    <span className={styles.small}>
      {changes
        .map(({ classId, what, count }) =>
          t(`history.change.${what}`, { name: nameOf(classId), count }),
        )
        .join(", ")}
    </span>
  );
}
