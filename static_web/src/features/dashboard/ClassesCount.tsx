import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Progress, Project } from "@/api/types";
import { classColor } from "@/classColors";
import { ClassName } from "@/ui/ClassName";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";

import { Count } from "./Count";
import { imagesOf } from "./links";

const useStyles = makeStyles({
  list: { display: "grid", gap: "4px", margin: 0, padding: 0, listStyle: "none" },
  row: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 2fr) minmax(0, 3fr) 5em",
    alignItems: "center",
    gap: "12px",
    minHeight: "28px",
  },
  number: { textAlign: "right" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
});

interface Props {
  project: Project;
  progress: Progress | undefined;
}

/** How many labeled images have each class, the most frequent first. */
export function ClassesCount({ project, progress }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const counts = new Map(progress?.classes.map((one) => [one.class_id, one.images]));
  const most = Math.max(...counts.values(), 1);
  const linked = project.my_role !== "labeler";
  const rows = project.classes
    .map((one) => ({ ...one, count: counts.get(one.class_id) ?? 0 }))
    .filter((one) => !one.merged_into && (!one.retired || one.count > 0))
    .sort((one, other) => other.count - one.count);
  return (
    <Panel title={t("dashboard.classes")}>
      {!rows.length && <p className={styles.quiet}>{t("project.noClasses")}</p>}
      <ul className={styles.list}>
        {rows.map((one) => (
          <li key={one.class_id} className={styles.row}>
            <ClassName name={one.name} colour={one.colour} />
            <ProgressBar
              total={most}
              parts={[{ count: one.count, color: classColor(one.colour).color }]}
            />
            <span className={styles.number}>
              <Count
                count={progress && one.count}
                name={one.name}
                href={
                  linked
                    ? imagesOf(project.project_id, { state: "labeled", class: one.class_id })
                    : null
                }
                testId={`class-${one.class_id}`}
              />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
