import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarBody,
  mergeClasses,
  Skeleton,
  SkeletonItem,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { api, ApiError, newId, unwrap } from "@/api/client";
import { myWorkQuery, projectQuery, useMe } from "@/api/queries";
import type { LabelClass, MyItem, MyWork as Work } from "@/api/types";
import { formatDuration, formatNumber, formatWhen } from "@/format";
import { problemText } from "@/problems";
import { ClassMark } from "@/ui/ClassMark";
import { Message } from "@/ui/Message";
import { Panel } from "@/ui/Panel";
import { Thumbnail } from "@/ui/Thumbnail";
import { usePageTitle } from "@/ui/usePageTitle";

import { describeReturn } from "./session/describe";
import { unsavedHere } from "./session/journal";

const useStyles = makeStyles({
  head: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "flex-start",
    gap: "12px 24px",
    marginBottom: "20px",
  },
  titles: { display: "grid", gap: "4px", marginRight: "auto", minWidth: 0 },
  title: { fontSize: "20px", lineHeight: "28px", fontWeight: 600, margin: 0 },
  page: { display: "grid", gap: "16px" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
  numbers: { display: "flex", flexWrap: "wrap", gap: "12px 48px", margin: 0 },
  number: { display: "grid", gap: "2px" },
  value: { margin: 0, fontSize: "20px", lineHeight: "28px", fontWeight: 600 },
  lines: { display: "grid", gap: "4px", margin: 0, padding: 0, listStyle: "none" },
  line: {
    display: "flex",
    flexWrap: "wrap",
    gap: "2px 16px",
    minHeight: "28px",
    alignItems: "center",
  },
  strong: { fontWeight: 600 },
  cards: {
    display: "grid",
    gap: "12px",
    gridTemplateColumns: "repeat(auto-fill, minmax(168px, 1fr))",
    margin: 0,
    padding: 0,
    listStyle: "none",
    "@media (max-width: 480px)": { gridTemplateColumns: "repeat(2, minmax(0, 1fr))", gap: "8px" },
  },
  card: {
    display: "grid",
    gridTemplateRows: "auto 1fr",
    alignContent: "start",
    width: "100%",
    height: "100%",
    padding: "4px 4px 8px",
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "6px",
    backgroundColor: "transparent",
    color: "inherit",
    font: "inherit",
    textAlign: "left",
  },
  button: {
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "1px" },
    ":disabled": { cursor: "default" },
  },
  about: { display: "grid", alignContent: "start", gap: "2px", padding: "8px 6px 0", minWidth: 0 },
  chips: { display: "flex", flexWrap: "wrap", gap: "2px 10px" },
  chip: { display: "inline-flex", alignItems: "center", gap: "6px", minWidth: 0, maxWidth: "100%" },
  name: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  small: { fontSize: "12px", lineHeight: "16px", color: tokens.colorNeutralForeground3 },
  reason: { fontSize: "12px", lineHeight: "16px", color: tokens.colorStatusWarningForeground3 },
});

interface Props {
  projectId: string;
}

/** A labeler's own page: what they did, and what they can correct. */
export default function MyWork({ projectId }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  const project = useQuery(projectQuery(projectId));
  usePageTitle(t("mine.title"), project.data?.name);
  const work = useQuery(myWorkQuery(projectId));
  const me = useMe().data?.user;
  const unsaved = useQuery({
    queryKey: ["unsaved", me, projectId],
    queryFn: () => (me === undefined ? [] : unsavedHere(me, projectId)),
    refetchInterval: 5_000,
  }).data;
  const labelPage = `/projects/${projectId}/label`;
  const correct = useMutation({
    mutationFn: (item: MyItem) =>
      unwrap(
        api.POST("/api/projects/{project_id}/tasks/{task_id}/reopen", {
          params: { path: { project_id: projectId, task_id: item.task_id } },
          body: { request_id: newId("r"), items: [item.item_id] },
        }),
      ),
    onSuccess: ({ task }) => {
      if (task) navigate(labelPage);
    },
    onError: () => void work.refetch(),
  });
  const failed = project.error ?? work.error;
  if (failed && !(project.data && work.data))
    return (
      <Message
        icon="warning"
        title={t("project.notOpened")}
        actions={<Button onClick={() => navigate("/?list")}>{t("label.toProjects")}</Button>}
      >
        {failed instanceof ApiError && failed.status ? failed.message : t("error.unreachableText")}
      </Message>
    );
  if (!project.data || !work.data)
    return (
      <Skeleton aria-label={t("projects.loading")} className={styles.page}>
        <SkeletonItem size={48} />
        <SkeletonItem style={{ height: "120px" }} />
        <SkeletonItem style={{ height: "320px" }} />
      </Skeleton>
    );
  const { classes } = project.data;
  const { returned, recent } = work.data;
  const problem = correct.isError
    ? correct.error instanceof ApiError && correct.error.status
      ? t("mine.notReopened", { detail: problemText(correct.error) })
      : t("error.unreachableText")
    : correct.data && !correct.data.task
      ? t("mine.tooManyOpen")
      : "";
  const choose = (item: MyItem): void => {
    // What is open, or was returned to me, comes first on the labeling page by itself.
    if (item.can_reopen) correct.mutate(item);
    else navigate(labelPage);
  };
  const cards = (items: MyItem[], waiting: boolean) => (
    <ul className={styles.cards}>
      {items.map((item) => (
        <li key={item.item_id}>
          <Card
            item={item}
            classes={classes}
            onChoose={waiting || item.can_reopen || item.open ? () => choose(item) : null}
          />
        </li>
      ))}
    </ul>
  );
  return (
    <>
      <div className={styles.head}>
        <div className={styles.titles}>
          <h1 className={styles.title}>{t("mine.title")}</h1>
          <p className={styles.quiet}>{project.data.name}</p>
        </div>
        <Button appearance="primary" onClick={() => navigate(labelPage)}>
          {t("mine.label")}
        </Button>
      </div>
      <div className={styles.page}>
        {problem && (
          <MessageBar intent="warning" layout="multiline">
            <MessageBarBody>{problem}</MessageBarBody>
          </MessageBar>
        )}
        <TodayPanel today={work.data.today} />
        {unsaved && unsaved.length > 0 && (
          <Panel title={t("mine.unsaved")}>
            <ul className={styles.lines}>
              {unsaved.map((line) => (
                <li key={`${line.taskId} ${line.submitted}`} className={styles.line}>
                  <span className={styles.strong}>
                    {t("mine.unsavedImages", { count: line.images })}
                  </span>
                  <span>{t(line.submitted ? "mine.unsent" : "mine.unfinished")}</span>
                </li>
              ))}
            </ul>
          </Panel>
        )}
        {returned.length > 0 && (
          <Panel title={t("mine.returned", { count: returned.length })}>
            {cards(returned, true)}
          </Panel>
        )}
        <Panel title={t("mine.recent")}>
          {recent.length > 0 ? (
            cards(recent, false)
          ) : (
            <p className={styles.quiet}>{t("mine.none")}</p>
          )}
        </Panel>
      </div>
    </>
  );
}

const HOUR_MS = 3_600_000;
const RATED_FROM_MS = 60_000; // of less, a rate would say nothing

function TodayPanel({ today }: { today: Work["today"] }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const { images, active_ms: active } = today;
  const hourly = active < RATED_FROM_MS ? null : Math.round((images * HOUR_MS) / active);
  const numbers = [
    [t("mine.images"), formatNumber(images, i18n.language)],
    [t("mine.active"), formatDuration(active, i18n.language)],
    [t("mine.hourly"), hourly === null ? "–" : formatNumber(hourly, i18n.language)],
  ] as const;
  return (
    <Panel
      title={t("mine.today")}
      action={
        <span className={styles.small}>
          {t("mine.since", { time: formatWhen(today.since, i18n.language) })}
        </span>
      }
    >
      <dl className={styles.numbers}>
        {numbers.map(([name, value]) => (
          <div key={name} className={styles.number}>
            <dt className={styles.small}>{name}</dt>
            <dd className={styles.value}>{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

interface CardProps {
  item: MyItem;
  classes: readonly LabelClass[];
  /** Null where nothing can be corrected any more. */
  onChoose: (() => void) | null;
}

function Card({ item, classes, onChoose }: CardProps): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const file = item.path.slice(item.path.lastIndexOf("/") + 1);
  const content = (
    <>
      <Thumbnail src={item.images.thumbnail} alt={file} />
      <span className={styles.about}>
        <span className={styles.chips}>
          {item.classes.map(({ class_id: id, annotations }) => {
            const known = classes.find((one) => one.class_id === id);
            const name = known?.name ?? id;
            return (
              <span key={id} className={styles.chip}>
                <ClassMark colour={known?.colour ?? 0} />
                <span className={styles.name} title={name}>
                  {name.slice(name.lastIndexOf("/") + 1)}
                </span>
                {annotations > 1 && <span className={styles.small}>{`× ${annotations}`}</span>}
              </span>
            );
          })}
          {!item.classes.length && <span>{t(`mine.outcomes.${item.outcome}`)}</span>}
        </span>
        {item.returned && (
          <span className={styles.reason}>{describeReturn(t, item.returned.reason)}</span>
        )}
        <span className={styles.small}>
          {formatWhen(item.saved_at, i18n.language)}
          {item.open && ` · ${t("mine.open")}`}
        </span>
      </span>
    </>
  );
  if (!onChoose)
    return (
      <div className={styles.card} title={t("mine.final")}>
        {content}
      </div>
    );
  return (
    <button
      type="button"
      className={mergeClasses(styles.card, styles.button)}
      title={`${t("mine.correct")}: ${item.path}`}
      onClick={onChoose}
    >
      {content}
    </button>
  );
}
