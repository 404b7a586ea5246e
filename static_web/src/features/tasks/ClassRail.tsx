import { Input, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import {
  useMemo,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
} from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass } from "@/api/types";
import { classKey, classTree, findClasses, type ClassNode } from "@/classes";
import { ClassMark } from "@/ui/ClassMark";
import { Icon } from "@/ui/Icon";

const useStyles = makeStyles({
  rail: {
    display: "grid",
    gridTemplateRows: "auto minmax(0, 1fr)",
    minHeight: 0,
    backgroundColor: tokens.colorNeutralBackground2,
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": {
      borderRight: "none",
      borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    },
  },
  find: { margin: "8px", minWidth: 0 },
  list: {
    overflowY: "auto",
    paddingInline: "4px",
    paddingBottom: "8px",
    scrollbarWidth: "thin",
    "@media (max-width: 720px)": {
      display: "flex",
      flexWrap: "wrap",
      alignContent: "flex-start",
      gap: "4px",
      paddingInline: "8px",
    },
  },
  group: {
    padding: "8px 8px 2px",
    marginLeft: "calc(var(--depth) * 12px)",
    fontSize: "12px",
    lineHeight: "16px",
    color: tokens.colorNeutralForeground3,
    "@media (max-width: 720px)": { display: "none" },
  },
  row: {
    display: "flex",
    alignItems: "center",
    gap: "8px",
    width: "calc(100% - var(--depth) * 12px)",
    marginLeft: "calc(var(--depth) * 12px)",
    minHeight: "32px",
    padding: "4px 8px",
    border: "none",
    borderRadius: "4px",
    backgroundColor: "transparent",
    color: tokens.colorNeutralForeground1,
    font: "inherit",
    fontSize: "14px",
    textAlign: "left",
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
    "@media (max-width: 720px)": {
      width: "auto",
      marginLeft: 0,
      minHeight: "44px",
      backgroundColor: tokens.colorNeutralBackground1Hover,
    },
  },
  on: { backgroundColor: tokens.colorSubtleBackgroundSelected },
  best: { outline: `1px solid ${tokens.colorNeutralStroke1}`, outlineOffset: "-1px" },
  name: { flex: 1, minWidth: 0 },
  key: {
    flex: "none",
    minWidth: "20px",
    textAlign: "center",
    fontFamily: "inherit",
    fontSize: "12px",
    lineHeight: "18px",
    color: tokens.colorNeutralForeground2,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "3px",
    "@media (hover: none)": { display: "none" },
  },
  none: { padding: "8px", color: tokens.colorNeutralForeground3, fontSize: "13px" },
});

interface Props {
  classes: readonly LabelClass[];
  /** Classes that all images in hand have. */
  on: ReadonlySet<string>;
  findRef: Ref<HTMLInputElement>;
  onChoose: (index: number) => void;
  onLeave: () => void;
}

/** The classes with their keys; typing finds one among many. */
export function ClassRail({ classes, on, findRef, onChoose, onLeave }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [typed, setTyped] = useState("");
  const names = useMemo(() => classes.map((one) => one.name), [classes]);
  const tree = useMemo(() => classTree(names), [names]);
  const found = typed.trim() ? findClasses(names, typed) : null;
  const rows: ClassNode[] = found
    ? found.map((index) => ({
        index,
        depth: 0,
        path: names[index] ?? "",
        name: names[index] ?? "",
      }))
    : tree;

  const leave = () => {
    setTyped("");
    onLeave();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") leave();
    if (event.key === "Enter" && found?.[0] !== undefined) {
      onChoose(found[0]);
      leave();
    }
    if (event.key === "Enter" || event.key === "Escape") event.preventDefault();
  };

  return (
    <section className={styles.rail} aria-label={t("label.classes")}>
      <Input
        className={styles.find}
        input={{ ref: findRef }}
        value={typed}
        size="medium"
        appearance="filled-darker"
        contentBefore={<Icon name="search" size={16} />}
        placeholder={t("label.find")}
        aria-label={t("label.find")}
        aria-keyshortcuts="/"
        autoComplete="off"
        spellCheck={false}
        onChange={(_, data) => setTyped(data.value)}
        onKeyDown={onKeyDown}
      />
      <div className={styles.list}>
        {rows.map((row, place) => {
          const { index } = row;
          if (index === null)
            return (
              <div key={row.path} className={styles.group} style={depth(row)}>
                {row.name}
              </div>
            );
          const one = classes[index];
          const key = classKey(index);
          return (
            <button
              key={row.path}
              type="button"
              className={mergeClasses(
                styles.row,
                one && on.has(one.class_id) ? styles.on : undefined,
                found && place === 0 ? styles.best : undefined,
              )}
              style={depth(row)}
              aria-pressed={one ? on.has(one.class_id) : false}
              aria-label={row.path}
              {...(key && { "aria-keyshortcuts": key })}
              title={one?.description || undefined}
              onClick={() => onChoose(index)}
            >
              <ClassMark index={index} />
              <span className={styles.name}>{row.name}</span>
              {key && (
                <kbd className={styles.key} aria-hidden>
                  {key}
                </kbd>
              )}
            </button>
          );
        })}
        {found?.length === 0 && <div className={styles.none}>{t("label.findNothing")}</div>}
      </div>
    </section>
  );
}

/** How far a row stands in; narrow screens show all of them side by side. */
function depth(node: ClassNode): CSSProperties {
  return { "--depth": node.depth } as CSSProperties;
}
