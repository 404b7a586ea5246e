import { makeStyles, ToggleButton, tokens } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Progress, Project } from "@/api/types";
import { classColor } from "@/classColors";
import { ClassName } from "@/ui/ClassName";
import { isDrawn } from "@/taskTypes";
import { FactsTable } from "@/ui/FactsTable";
import { ProgressBar } from "@/ui/ProgressBar";

import { ChartPanel } from "./ChartPanel";
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
  const [logarithmic, setLogarithmic] = useState(false);
  const counts = new Map(progress?.classes.map((one) => [one.class_id, one]));
  const scale = (count: number) => (logarithmic ? Math.log10(1 + count) : count);
  const most = Math.max(...[...counts.values()].map((one) => scale(one.images)));
  const linked = project.my_role !== "labeler";
  const rows = project.classes
    .map((one) => ({ ...one, count: counts.get(one.class_id)?.images ?? 0 }))
    .filter((one) => !one.merged_into && (!one.retired || one.count > 0))
    .sort((one, other) => other.count - one.count);
  const hrefOf = ({ class_id }: (typeof rows)[number]) =>
    linked ? imagesOf(project.project_id, { state: "labeled", class: class_id }) : null;
  const images = (one: (typeof rows)[number]) => (
    <Count
      count={progress && one.count}
      name={one.name}
      href={hrefOf(one)}
      testId={`class-${one.class_id}`}
    />
  );
  const shapes = (one: (typeof rows)[number]) => (
    <Count
      key="shapes"
      count={counts.get(one.class_id)?.instances ?? 0}
      name={`${one.name}, ${t("dashboard.shapes")}`}
      href={hrefOf(one)}
    />
  );
  const drawn = isDrawn(project.task_type);
  const table = (
    <FactsTable
      title={t("dashboard.classes")}
      columns={[
        t("project.classes"),
        t("dashboard.images"),
        ...(drawn ? [t("dashboard.shapes")] : []),
      ]}
      rows={rows.map((one) => ({
        key: one.class_id,
        cells: [one.name, images(one), ...(drawn ? [shapes(one)] : [])],
      }))}
    />
  );
  return (
    <ChartPanel
      title={t("dashboard.classes")}
      table={table}
      action={
        <ToggleButton
          size="small"
          appearance="subtle"
          checked={logarithmic}
          onClick={() => setLogarithmic(!logarithmic)}
        >
          {t("dashboard.logarithmic")}
        </ToggleButton>
      }
    >
      {!rows.length && <p className={styles.quiet}>{t("project.noClasses")}</p>}
      <ul className={styles.list}>
        {rows.map((one) => (
          <li key={one.class_id} className={styles.row}>
            <ClassName name={one.name} colour={one.colour} />
            <ProgressBar
              total={most}
              parts={[{ count: scale(one.count), color: classColor(one.colour).color }]}
            />
            <span className={styles.number}>{images(one)}</span>
          </li>
        ))}
      </ul>
    </ChartPanel>
  );
}
