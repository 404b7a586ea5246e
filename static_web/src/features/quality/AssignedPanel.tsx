import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { changeProject, progressQuery, projectQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { imagesOf } from "@/features/dashboard/links";
import { keyOf } from "@/names";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";

const useStyles = makeStyles({
  list: { display: "grid", gap: "8px", margin: 0, padding: 0, listStyle: "none" },
  tag: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "4px 16px" },
  link: {
    display: "inline-flex",
    alignItems: "center",
    color: tokens.colorBrandForegroundLink,
    "@media (pointer: coarse)": { minHeight: "44px", minWidth: "44px" },
  },
  quiet: { color: tokens.colorNeutralForeground3 },
  stuck: { display: "flex", alignItems: "center", gap: "4px" },
  problem: { color: tokens.colorStatusDangerForeground1, margin: "8px 0 0" },
});

/** What waits for those with a tag, and whether anybody is there to label it; nothing where nothing does. */
export function AssignedPanel({ project }: { project: Project }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const { project_id: projectId, assignments } = project;
  const progress = useQuery(progressQuery(projectId)).data;
  const free = useMutation({
    mutationFn: (tag: string) =>
      changeProject(project, {
        assignments: (assignments ?? []).filter((one) => keyOf(one.tag) !== keyOf(tag)),
      }),
    onSuccess: (changed, tag) => {
      queries.setQueryData(projectQuery(projectId).queryKey, changed);
      announce(t("assignment.freed", { tag }));
    },
    onSettled: () => queries.invalidateQueries(progressQuery(projectId)),
  });
  const waiting = progress?.assigned.filter((one) => one.waiting > 0) ?? [];
  if (!waiting.length) return null;
  return (
    <Panel title={t("assignment.waiting")}>
      <ul className={styles.list}>
        {waiting.map((one) => {
          const stuck = one.people < project.overlap.labelers;
          return (
            <li key={one.tag} className={styles.tag} data-tag={one.tag}>
              <Link
                className={styles.link}
                href={imagesOf(projectId, { state: "available", waits_for: one.tag })}
              >
                {t("assignment.waits", { count: one.waiting, tag: one.tag })}
              </Link>
              <span className={stuck ? styles.stuck : styles.quiet}>
                {stuck && <Icon name="warning" size={16} />}
                {one.people
                  ? t("assignment.carriers", { count: one.people })
                  : t("assignment.nobody")}
              </span>
              {stuck && assignments && (
                <Button
                  size="small"
                  disabledFocusable={free.isPending}
                  aria-label={t("assignment.freeNamed", { tag: one.tag })}
                  onClick={() => free.mutate(one.tag)}
                >
                  {t("assignment.free")}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {free.isError && (
        <p role="alert" className={styles.problem}>
          {problemText(free.error)}
        </p>
      )}
    </Panel>
  );
}
