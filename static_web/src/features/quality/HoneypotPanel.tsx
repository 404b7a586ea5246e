import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { HoneypotPerson, Project } from "@/api/types";
import { Count } from "@/features/dashboard/Count";
import { imagesOf } from "@/features/dashboard/links";
import { formatDay, formatNumber, formatPercent } from "@/format";
import { problemText } from "@/problems";
import { FactsTable } from "@/ui/FactsTable";
import { Panel } from "@/ui/Panel";

import { ChecksDialog } from "./ChecksDialog";
import { honeypotsQuery, resumeMember } from "./queries";

const DAYS = 5;

const useStyles = makeStyles({
  sentence: { margin: 0 },
  count: {
    minWidth: 0,
    padding: 0,
    fontWeight: 600,
    color: tokens.colorBrandForegroundLink,
    "@media (pointer: coarse)": { minWidth: "44px", minHeight: "44px" },
  },
  days: { color: tokens.colorNeutralForeground3 },
  held: { display: "grid", gap: "4px", margin: "16px 0 0", padding: 0, listStyle: "none" },
  standing: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "4px 16px" },
  problem: { color: tokens.colorStatusDangerForeground1, margin: "8px 0 0" },
});

/** Who knows the answers of honeypots, and who does not; nothing where there are none. */
export function HoneypotPanel({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const { project_id: projectId } = project;
  const [looking, setLooking] = useState<HoneypotPerson | null>(null);
  const found = useQuery(honeypotsQuery(projectId)).data;
  const resume = useMutation({
    mutationFn: (user: string) => resumeMember(projectId, user),
    onSettled: () => queries.invalidateQueries(honeypotsQuery(projectId)),
  });
  if (!found || (!found.honeypots && !found.people.length)) return null;
  const percent = (value: number) => formatPercent(value, i18n.language);
  const held = found.people.flatMap((one) =>
    one.standing ? [{ ...one, standing: one.standing }] : [],
  );
  const nameOf = (one: HoneypotPerson) => one.name || one.user;
  return (
    <Panel title={t("honeypots.people")}>
      <p className={styles.sentence}>
        {t("honeypots.there")}{" "}
        <Count
          count={found.honeypots}
          name={t("data.honeypot")}
          href={imagesOf(projectId, { honeypot: "yes" })}
          testId="honeypots"
        />
      </p>
      {found.people.length > 0 && (
        <FactsTable
          title={t("honeypots.byPerson")}
          columns={[
            t("dashboard.columns.name"),
            t("honeypots.columns.accuracy"),
            t("honeypots.columns.answers"),
            t("honeypots.columns.days"),
          ]}
          rows={found.people.map((one) => ({
            key: one.user,
            cells: [
              nameOf(one),
              t("quality.interval", {
                alpha: percent(one.accuracy),
                low: percent(one.low),
                high: percent(one.high),
              }),
              <Button
                key="answers"
                appearance="transparent"
                className={styles.count}
                aria-label={t("honeypots.look", { count: one.answers, name: nameOf(one) })}
                onClick={() => setLooking(one)}
              >
                {formatNumber(one.answers, i18n.language)}
              </Button>,
              <span key="days" className={styles.days}>
                {one.days
                  .slice(-DAYS)
                  .map((day) => `${formatDay(day.day, i18n.language)} ${percent(day.accuracy)}`)
                  .join(", ")}
              </span>,
            ],
          }))}
        />
      )}
      {held.length > 0 && (
        <ul className={styles.held} aria-label={t("honeypots.held")}>
          {held.map((one) => (
            <li key={one.user} className={styles.standing}>
              <span>{t(`honeypots.standings.${one.standing}`, { name: nameOf(one) })}</span>
              <Button
                size="small"
                disabledFocusable={resume.isPending}
                onClick={() => resume.mutate(one.user)}
              >
                {t("honeypots.resume")}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {resume.isError && (
        <p role="alert" className={styles.problem}>
          {problemText(resume.error)}
        </p>
      )}
      {looking && (
        <ChecksDialog project={project} person={looking} onClose={() => setLooking(null)} />
      )}
    </Panel>
  );
}
