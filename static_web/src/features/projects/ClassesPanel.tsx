import { Badge, Button, makeStyles, tokens, Tooltip } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { classesQuery, sweepsQuery } from "@/api/queries";
import type { Progress, Project } from "@/api/types";
import { classTree } from "@/classes";
import { formatNumber } from "@/format";
import { ClassMark } from "@/ui/ClassMark";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";
import { SweepProgress } from "@/ui/SweepProgress";
import { Thumbnail } from "@/ui/Thumbnail";

import { AddClassesDialog } from "./AddClassesDialog";
import { EditClassDialog } from "./EditClassDialog";

const useStyles = makeStyles({
  classes: { display: "grid", margin: 0, padding: 0, listStyle: "none" },
  row: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 3fr) minmax(0, 2fr) 3.5em 32px",
    alignItems: "center",
    gap: "12px",
    minHeight: "36px",
    "@media (max-width: 480px)": {
      gridTemplateColumns: "minmax(0, 1fr) 3.5em 32px",
      "& > :nth-child(2)": { display: "none" },
    },
  },
  class: { display: "flex", alignItems: "center", gap: "8px", minWidth: 0, paddingBlock: "4px" },
  names: { display: "grid", minWidth: 0, flex: 1 },
  title: { display: "flex", alignItems: "center", gap: "8px" },
  description: {
    color: tokens.colorNeutralForeground3,
    fontSize: "12px",
    lineHeight: "16px",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
  },
  examples: { display: "flex", gap: "2px", flex: "none" },
  example: { width: "32px" },
  group: { color: tokens.colorNeutralForeground3, fontSize: "12px", paddingTop: "6px" },
  number: { textAlign: "right" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
});

interface Props {
  project: Project;
  progress: Progress | undefined;
}

/** The classes with how many images have each; admins change them here. */
export function ClassesPanel({ project, progress }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [editing, setEditing] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const classes = project.classes.filter((one) => !one.merged_into);
  const admin = project.my_role === "admin";
  const signed = useQuery({
    ...classesQuery(project.project_id),
    enabled: admin || classes.some((one) => one.examples.length > 0),
  }).data;
  const merges = useQuery({ ...sweepsQuery(project.project_id), enabled: admin }).data?.filter(
    (one) => one.what === "merge" && !one.finished_at,
  );
  const examples = new Map(signed?.items.map((one) => [one.class_id, one.examples]));
  const counts = new Map(progress?.classes.map((one) => [one.class_id, one.images]));
  const most = Math.max(...counts.values(), 1);
  const edited = signed?.items.findIndex((one) => one.class_id === editing) ?? -1;
  return (
    <Panel
      title={t("project.classes")}
      action={
        admin && (
          <Button size="small" icon={<Icon name="add" size={16} />} onClick={() => setAdding(true)}>
            {t("classes.add")}
          </Button>
        )
      }
    >
      <ul className={styles.classes}>
        {classTree(classes.map((one) => one.name)).map((node) => {
          const indent = { paddingLeft: `${node.depth * 16}px` };
          const one = node.index === null ? undefined : classes[node.index];
          if (node.index === null || !one)
            return (
              <li key={node.path} className={styles.group} style={indent}>
                {node.name}
              </li>
            );
          const count = counts.get(one.class_id) ?? 0;
          return (
            <li key={node.path} className={styles.row}>
              <span className={styles.class} style={indent}>
                <ClassMark colour={one.colour} />
                <span className={styles.names}>
                  <span className={styles.title}>
                    {node.name}
                    {one.retired && (
                      <Badge appearance="outline" size="small">
                        {t("classes.retired")}
                      </Badge>
                    )}
                  </span>
                  {one.description && (
                    <span className={styles.description} title={one.description}>
                      {one.description}
                    </span>
                  )}
                </span>
                <span className={styles.examples}>
                  {examples.get(one.class_id)?.map(({ path, url }, at) => (
                    <Thumbnail
                      key={path}
                      src={url}
                      alt={t("instructions.example", { name: one.name, position: at + 1 })}
                      className={styles.example}
                    />
                  ))}
                </span>
              </span>
              <ProgressBar
                total={most}
                parts={[{ count, color: tokens.colorNeutralForeground3 }]}
              />
              <span className={styles.number}>{formatNumber(count, i18n.language)}</span>
              {admin && (
                <Tooltip
                  content={t("classes.edit", { name: one.name })}
                  relationship="label"
                  showDelay={500}
                >
                  <Button
                    appearance="subtle"
                    size="small"
                    icon={<Icon name="edit" size={16} />}
                    onClick={() => setEditing(one.class_id)}
                  />
                </Tooltip>
              )}
            </li>
          );
        })}
      </ul>
      {merges?.map((one) => (
        <SweepProgress
          key={one.sweep_id}
          projectId={project.project_id}
          sweep={one}
          classes={project.classes}
        />
      ))}
      {!classes.length && <p className={styles.quiet}>{t("project.noClasses")}</p>}
      {signed?.items[edited] && (
        <EditClassDialog
          key={editing}
          projectId={project.project_id}
          list={signed}
          index={edited}
          onClose={() => setEditing(null)}
        />
      )}
      {adding && <AddClassesDialog project={project} onClose={() => setAdding(false)} />}
    </Panel>
  );
}
