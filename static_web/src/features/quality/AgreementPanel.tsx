import { makeStyles, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { progressQuery } from "@/api/queries";
import type { Coefficient, Project } from "@/api/types";
import { Count } from "@/features/dashboard/Count";
import { imagesOf } from "@/features/dashboard/links";
import { formatNumber, formatPercent } from "@/format";

import { FactsTable } from "@/ui/FactsTable";
import { Panel } from "@/ui/Panel";

import { PairAgreement } from "./PairAgreement";

const useStyles = makeStyles({
  sentence: { margin: "0 0 4px" },
  count: { marginRight: "16px" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
});

/** Krippendorff's own bounds: what may be relied on, and what allows tentative conclusions. */
const RELIABLE = 0.8;
const TENTATIVE = 0.667;

function wordFor(alpha: number): "reliable" | "tentative" | "poor" {
  return alpha >= RELIABLE ? "reliable" : alpha >= TENTATIVE ? "tentative" : "poor";
}

/** How well people agree who label the same images; nothing where nobody does. */
export function AgreementPanel({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const progress = useQuery(progressQuery(project.project_id)).data;
  const found = progress?.agreement;
  if (!found) return null;
  const two = (value: number) => formatNumber(Math.round(value * 100) / 100, i18n.language);
  const percent = (value: number) => formatPercent(value, i18n.language);
  const written = ({ alpha, low, high }: Coefficient) =>
    alpha === null || low === null || high === null
      ? "–"
      : t("quality.interval", { alpha: two(alpha), low: two(low), high: two(high) });
  const classNames = new Map(project.classes.map((one) => [one.class_id, one.name]));
  const people = new Map(progress.labelers.map((one) => [one.user, one.name]));
  const drawn = found.classes.some((one) => one.found !== null);
  return (
    <Panel title={t("quality.agreement")}>
      <p className={styles.sentence}>
        {(["agreed", "disputed"] as const).map((one) => (
          <span key={one} className={styles.count}>
            {t(`data.consensuses.${one}`)}{" "}
            <Count
              count={found[one]}
              name={t(`data.consensuses.${one}`)}
              href={imagesOf(project.project_id, { state: "all", consensus: one })}
            />
          </span>
        ))}
      </p>
      <p className={styles.sentence}>
        {t("quality.alpha", { alpha: written(found.coefficient) })}{" "}
        {found.coefficient.alpha !== null && t(`quality.words.${wordFor(found.coefficient.alpha)}`)}
      </p>
      {found.iou !== null && (
        <p className={styles.quiet}>{t("quality.meanIou", { iou: two(found.iou) })}</p>
      )}
      <FactsTable
        title={t("quality.byClass")}
        columns={[
          t("quality.columns.class"),
          t("quality.columns.alpha"),
          ...(drawn ? [t("quality.columns.found")] : []),
        ]}
        rows={found.classes.map((one) => {
          const name = classNames.get(one.class_id) ?? one.class_id;
          const differing = (column: string, text: string) => (
            <Count
              key={column}
              count={one.coefficient.answers}
              text={text}
              name={t("quality.differAbout", { name })}
              href={imagesOf(project.project_id, {
                ...{ state: "all", consensus: "differing", class: one.class_id },
              })}
            />
          );
          const { coefficient, found: share } = one;
          return {
            key: one.class_id,
            cells: [
              name,
              differing("alpha", written(coefficient)),
              ...(drawn ? [share === null ? "–" : differing("found", percent(share))] : []),
            ],
          };
        })}
      />
      <FactsTable
        title={t("quality.byPerson")}
        columns={[
          t("dashboard.columns.name"),
          t("quality.columns.share"),
          t("quality.columns.compared"),
        ]}
        rows={found.labelers.map((one) => ({
          key: one.user,
          cells: [
            people.get(one.user) || one.user,
            <Count
              key="share"
              count={one.compared}
              text={percent(one.share)}
              name={t("quality.differFrom", { name: people.get(one.user) || one.user })}
              href={imagesOf(project.project_id, {
                ...{ state: "all", consensus: "differing", labeler: one.user },
              })}
            />,
            <Count
              key="compared"
              count={one.compared}
              name={people.get(one.user) || one.user}
              href={imagesOf(project.project_id, { state: "all", labeler: one.user })}
            />,
          ],
        }))}
      />
      {found.labelers.length > 1 && (
        <PairAgreement
          project={project}
          people={found.labelers.map(({ user }) => ({ user, name: people.get(user) ?? "" }))}
        />
      )}
    </Panel>
  );
}
