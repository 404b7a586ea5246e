import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Link,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { classesQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { classKey, classTree, offeredClasses } from "@/classes";
import { ClassName } from "@/ui/ClassName";
import { Thumbnail } from "@/ui/Thumbnail";
import { useFocusBack } from "@/ui/useFocusBack";

const useStyles = makeStyles({
  wide: { maxWidth: "min(960px, 100vw - 32px)" },
  body: { "@media (min-width: 721px)": { maxHeight: "calc(100dvh - 112px)" } },
  content: {
    borderRadius: "4px",
    ":focus-visible": { outline: `1px solid ${tokens.colorNeutralStroke2}`, outlineOffset: "4px" },
  },
  text: { whiteSpace: "pre-wrap", margin: "0 0 12px", maxWidth: "68ch" },
  title: { fontSize: "14px", lineHeight: "20px", fontWeight: 600, margin: "20px 0 4px" },
  list: { margin: 0, padding: 0, listStyle: "none" },
  // Names alone need no line each.
  names: {
    display: "grid",
    gap: "4px 24px",
    gridTemplateColumns: "repeat(auto-fill, minmax(min(100%, 220px), 1fr))",
  },
  name: { display: "flex", alignItems: "baseline", gap: "10px", minHeight: "28px" },
  row: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    alignItems: "start",
    gap: "8px 24px",
    paddingBlock: "12px",
    ":not(:last-child)": { borderBottom: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  illustrated: {
    gridTemplateColumns: "minmax(0, 1fr) 544px",
    "@media (max-width: 960px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  about: {
    display: "grid",
    gap: "4px",
    gridTemplateColumns: "20px minmax(0, 1fr)",
    columnGap: "10px",
  },
  strong: { fontWeight: 600 },
  description: {
    gridColumn: 2,
    whiteSpace: "pre-wrap",
    color: tokens.colorNeutralForeground2,
    maxWidth: "60ch",
  },
  key: {
    flex: "none",
    justifySelf: "start",
    width: "18px",
    textAlign: "center",
    fontFamily: "inherit",
    fontSize: "12px",
    lineHeight: "18px",
    color: tokens.colorNeutralForeground2,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "3px",
  },
  noKey: { border: "1px solid transparent" },
  examples: {
    display: "flex",
    gap: "8px",
    margin: 0,
    padding: 0,
    listStyle: "none",
    overflowX: "auto",
    scrollbarWidth: "thin",
  },
  example: { width: "176px", "@media (max-width: 720px)": { width: "148px" } },
});

interface Props {
  project: Project;
  open: boolean;
  onClose: () => void;
  /** Has the focus afterwards where what had it before is gone. */
  focusAfter: () => HTMLElement | null | undefined;
}

/** What labelers read first: the instructions, then each class with what it means and looks like. */
export function InstructionsDialog({ project, open, onClose, focusAfter }: Props): ReactNode {
  const styles = useStyles();
  const illustrated = isIllustrated(project);
  useFocusBack(open, focusAfter);
  return (
    <Dialog open={open} onOpenChange={onClose}>
      <DialogSurface className={illustrated ? styles.wide : undefined}>
        <Instructions project={project} onClose={onClose} />
      </DialogSurface>
    </Dialog>
  );
}

function isIllustrated(project: Project): boolean {
  return project.classes.some((one) => one.examples.length > 0);
}

/** Apart, so that nothing of it is worked out while the dialog is closed. */
function Instructions({ project, onClose }: Pick<Props, "project" | "onClose">): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const { text, link } = project.instructions;
  const classes = offeredClasses(project.classes);
  const illustrated = isIllustrated(project);
  const signed = useQuery({ ...classesQuery(project.project_id), enabled: illustrated }).data;
  const explained = illustrated || classes.some((one) => one.description);
  const shown = classTree(classes.map((one) => one.name)).flatMap(({ index }) => {
    const one = index === null ? undefined : classes[index];
    return one && index !== null ? [{ one, index }] : [];
  });
  return (
    <DialogBody className={styles.body}>
      <DialogTitle>{t("instructions.title")}</DialogTitle>
      {/* Has the focus first: arrows scroll it, Enter goes on. */}
      <DialogContent
        tabIndex={0}
        className={styles.content}
        onKeyDown={(event) => {
          if (event.key === "Enter" && event.target === event.currentTarget) onClose();
        }}
      >
        {(text || !explained) && <p className={styles.text}>{text || t("instructions.none")}</p>}
        {link && (
          <Link href={link} target="_blank" rel="noreferrer">
            {t("instructions.more")}
          </Link>
        )}
        {shown.length > 0 && <h3 className={styles.title}>{t("label.classes")}</h3>}
        <ul className={mergeClasses(styles.list, !explained && styles.names)}>
          {shown.map(({ one, index }) => {
            const key = classKey(index);
            const mark = (
              <kbd className={mergeClasses(styles.key, !key && styles.noKey)} aria-hidden>
                {key}
              </kbd>
            );
            if (!explained)
              return (
                <li key={one.class_id} className={styles.name}>
                  {mark}
                  <ClassName name={one.name} colour={one.colour} />
                </li>
              );
            const examples = signed?.items.find(
              ({ class_id }) => class_id === one.class_id,
            )?.examples;
            return (
              <li
                key={one.class_id}
                className={mergeClasses(styles.row, one.examples.length > 0 && styles.illustrated)}
              >
                <div className={styles.about}>
                  {mark}
                  <ClassName name={one.name} colour={one.colour} className={styles.strong} />
                  {one.description && <div className={styles.description}>{one.description}</div>}
                </div>
                {one.examples.length > 0 && (
                  <ul className={styles.examples}>
                    {one.examples.map((path, at) => (
                      <li key={path}>
                        <Thumbnail
                          className={styles.example}
                          src={examples?.find((example) => example.path === path)?.url}
                          alt={t("instructions.example", { name: one.name, position: at + 1 })}
                        />
                      </li>
                    ))}
                  </ul>
                )}
              </li>
            );
          })}
        </ul>
      </DialogContent>
      <DialogActions>
        <Button appearance="primary" onClick={onClose}>
          {t("instructions.start")}
        </Button>
      </DialogActions>
    </DialogBody>
  );
}

const SEEN = "labelry.instructions.";

/** Whether there is something to read that was not read here before; changed instructions are new. */
export function instructionsAreNew(project: Project): boolean {
  const { text, link } = project.instructions;
  const explained = project.classes.some((one) => one.description || one.examples.length);
  const seen = localStorage.getItem(SEEN + project.project_id);
  return Boolean(text || link || explained) && seen !== String(project.instructions_version);
}

export function rememberInstructions(project: Project): void {
  localStorage.setItem(SEEN + project.project_id, String(project.instructions_version));
}
