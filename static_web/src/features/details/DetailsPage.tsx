import { Link, makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Project } from "@/api/types";
import { Panel } from "@/ui/Panel";

const useStyles = makeStyles({
  columns: {
    display: "grid",
    gap: "16px",
    alignItems: "start",
    gridTemplateColumns: "minmax(0, 3fr) minmax(0, 2fr)",
    "@media (max-width: 860px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  stack: { display: "grid", gap: "16px" },
  text: { whiteSpace: "pre-wrap", margin: "0 0 8px", maxWidth: "68ch" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
});

interface Props {
  project: Project;
  /** Its classes, which other features show too. */
  classes: ReactNode;
}

/** What a project is made of. */
export function DetailsPage({ project, classes }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <div className={styles.columns}>
      {classes}
      <div className={styles.stack}>
        <Panel title={t("instructions.title")}>
          <p className={project.instructions.text ? styles.text : styles.quiet}>
            {project.instructions.text || t("instructions.none")}
          </p>
          {project.instructions.link && (
            <Link href={project.instructions.link} target="_blank" rel="noreferrer">
              {t("instructions.more")}
            </Link>
          )}
        </Panel>
      </div>
    </div>
  );
}
