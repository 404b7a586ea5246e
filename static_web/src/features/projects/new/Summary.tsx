import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { parseAddresses } from "@/addresses";
import { parseClasses } from "@/classes";
import { formatBytes, formatPercent } from "@/format";
import { TeamAndTopics } from "@/ui/TeamAndTopics";
import { parseWords } from "@/words";

import { ClassPreview } from "../ClassPreview";
import type { Step } from "./draft";
import { LocationPreview } from "./LocationPreview";
import type { StepProps } from "./NewProject";

const useStyles = makeStyles({
  list: { display: "grid", margin: 0 },
  row: {
    display: "grid",
    gridTemplateColumns: "160px minmax(0, 1fr) auto",
    gap: "4px 16px",
    padding: "12px 0",
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    ":last-child": { borderBottomStyle: "none", paddingBottom: 0 },
    "@media (max-width: 640px)": { gridTemplateColumns: "minmax(0, 1fr) auto" },
  },
  term: { fontWeight: 600 },
  value: {
    display: "grid",
    gap: "4px",
    margin: 0,
    "@media (max-width: 640px)": { gridColumn: "1 / -1", gridRow: 2 },
  },
  quiet: { color: tokens.colorNeutralForeground3 },
  text: { whiteSpace: "pre-wrap", maxHeight: "160px", overflowY: "auto" },
  edit: {
    color: tokens.colorBrandForegroundLink,
    "@media (pointer: coarse)": { minHeight: "44px", minWidth: "44px", textAlign: "right" },
  },
});

/** All of it, each part with the way back to where it is changed. */
export function Summary({ draft, files }: StepProps): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const classes = parseClasses(draft.classes);
  const people = parseAddresses(draft.people).good;
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  const part = (step: Step, value: ReactNode) => (
    <div className={styles.row}>
      <dt className={styles.term}>{t(`new.steps.${step}`)}</dt>
      <dd className={styles.value}>{value}</dd>
      <dd className={styles.value} style={{ gridColumn: "auto", gridRow: "auto" }}>
        <Link
          href={`/projects/new/${step}`}
          className={styles.edit}
          aria-label={t("new.editNamed", { step: t(`new.steps.${step}`) })}
        >
          {t("new.edit")}
        </Link>
      </dd>
    </div>
  );
  const none = <span className={styles.quiet}>{t("new.noneYet")}</span>;
  return (
    <dl className={styles.list}>
      {part(
        "details",
        <>
          {draft.name.trim() || none}
          <span className={styles.quiet}>{t(`types.${draft.type}.name`)}</span>
          <TeamAndTopics team={draft.team.trim()} topics={parseWords(draft.topics)} />
        </>,
      )}
      {part(
        "images",
        <>
          {draft.from === "upload" &&
            (files.length
              ? t("pick.found", { count: files.length, size: formatBytes(bytes, i18n.language) })
              : none)}
          {draft.from === "upload" && draft.container && (
            <span>{t("new.uploadedTo", { container: draft.container })}</span>
          )}
          {draft.from === "location" &&
            (draft.location ? (
              <>
                <span>{`${draft.location} · ${draft.pattern}`}</span>
                <LocationPreview location={draft.location} pattern={draft.pattern} />
              </>
            ) : (
              none
            ))}
          {draft.from === "dataset" && (draft.datasetId ? t("new.fromDataset") : none)}
          {draft.from !== "dataset" && draft.description.trim() && (
            <div className={styles.text}>{draft.description.trim()}</div>
          )}
          <span className={styles.quiet}>
            {draft.refresh ? t("new.refreshes") : t("new.refreshesNot")}
          </span>
        </>,
      )}
      {part(
        "classes",
        classes.names.length ? <ClassPreview {...classes} copied={draft.copied?.classes} /> : none,
      )}
      {part(
        "instructions",
        <>
          {draft.text.trim() ? <div className={styles.text}>{draft.text.trim()}</div> : none}
          {draft.link.trim()}
        </>,
      )}
      {part(
        "assist",
        draft.assist.on
          ? t("new.assistSaid", {
              count: draft.assist.first_labels,
              precision: formatPercent(draft.assist.precision, i18n.language),
            })
          : t("assist.off"),
      )}
      {part(
        "people",
        <>
          {people.length ? people.join(", ") : none}
          {people.length > 0 && (
            <span className={styles.quiet}>
              {[t(`roles.${draft.role}.name`), ...parseWords(draft.tags)].join(", ")}
            </span>
          )}
          {draft.assignments.length > 0 && (
            <span className={styles.quiet}>
              {t("new.rulesSaid", { count: draft.assignments.length })}
            </span>
          )}
        </>,
      )}
    </dl>
  );
}
