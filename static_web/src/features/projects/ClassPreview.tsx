import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { NewClass } from "@/api/types";
import { classKey, classTree, type parseClasses } from "@/classes";
import { ClassMark } from "@/ui/ClassMark";

const useStyles = makeStyles({
  root: { display: "grid", gridTemplateRows: "auto 1fr", minWidth: 0 },
  title: { marginBottom: "4px" },
  tree: {
    margin: 0,
    padding: "8px 12px",
    listStyle: "none",
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "4px",
    minHeight: "184px",
    maxHeight: "280px",
    overflowY: "auto",
  },
  row: { display: "flex", alignItems: "center", gap: "8px", minHeight: "28px" },
  group: { color: tokens.colorNeutralForeground3 },
  name: { flex: 1, minWidth: 0 },
  key: {
    minWidth: "20px",
    textAlign: "center",
    fontFamily: "inherit",
    fontSize: "12px",
    lineHeight: "18px",
    color: tokens.colorNeutralForeground2,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "3px",
  },
  quiet: { color: tokens.colorNeutralForeground3 },
  fault: { color: tokens.colorStatusDangerForeground1, fontSize: "12px" },
});

interface Props extends ReturnType<typeof parseClasses> {
  /** Classes that have a colour already. */
  copied?: readonly NewClass[] | undefined;
}

/** The classes as labelers will see them: grouped, coloured, with their keys. */
export function ClassPreview({ names, faults, copied = [] }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <div className={styles.root}>
      <div className={styles.title}>{t("new.preview")}</div>
      <ul className={styles.tree} aria-label={t("new.preview")}>
        {classTree(names).map((node) => {
          const key = node.index === null ? null : classKey(node.index);
          return (
            <li
              key={node.path}
              className={styles.row}
              style={{ paddingLeft: `${node.depth * 16}px` }}
            >
              {node.index !== null && (
                <ClassMark
                  colour={copied.find((one) => one.name === node.path)?.colour ?? node.index}
                />
              )}
              <span className={node.index === null ? styles.group : styles.name}>{node.name}</span>
              {key && <kbd className={styles.key}>{key}</kbd>}
            </li>
          );
        })}
        {faults.map(({ line, text, fault }) => (
          <li key={line} className={styles.fault}>
            {t(`new.faults.${fault}`, { line, text })}
          </li>
        ))}
        {!names.length && !faults.length && (
          <li className={styles.quiet}>{t("new.previewEmpty")}</li>
        )}
      </ul>
    </div>
  );
}
