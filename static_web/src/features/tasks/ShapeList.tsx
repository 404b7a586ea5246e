import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Suggestion } from "@/annotate/render/look";
import type { Annotation, LabelClass } from "@/api/types";
import { formatPercent } from "@/format";
import { ClassMark } from "@/ui/ClassMark";
import { Icon } from "@/ui/Icon";

const useStyles = makeStyles({
  list: {
    margin: 0,
    padding: "0 4px 8px",
    overflowY: "auto",
    minHeight: 0,
    scrollbarWidth: "thin",
  },
  row: { display: "flex", alignItems: "center", borderRadius: "4px", paddingRight: "2px" },
  on: { backgroundColor: tokens.colorSubtleBackgroundSelected },
  name: {
    display: "flex",
    flex: 1,
    alignItems: "center",
    gap: "8px",
    minWidth: 0,
    minHeight: "32px",
    padding: "2px 8px",
    border: "none",
    borderRadius: "4px",
    backgroundColor: "transparent",
    color: "inherit",
    font: "inherit",
    textAlign: "left",
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
  number: {
    minWidth: "20px",
    textAlign: "right",
    color: tokens.colorNeutralForeground3,
    fontVariantNumeric: "tabular-nums",
  },
  words: { flex: 1, minWidth: 0, overflow: "hidden", textOverflow: "ellipsis" },
  sure: { color: tokens.colorNeutralForeground2, fontSize: "12px" },
  none: { padding: "4px 12px", color: tokens.colorNeutralForeground3, fontSize: "13px" },
});

interface Props {
  shapes: readonly Annotation[];
  suggestions: ReadonlyMap<string, Suggestion>;
  lockedIds: ReadonlySet<string>;
  selection: readonly string[];
  classes: readonly LabelClass[];
  empty: string;
  closed: boolean;
  onSelect: (ids: readonly string[]) => void;
  onAccept: (id: string) => void;
  onDelete: (id: string) => void;
  onRename: () => void;
}

/** The shapes of the image by number: the accessible view of what is drawn. */
export function ShapeList(props: Props): ReactNode {
  const { shapes, suggestions, lockedIds, selection, classes, closed } = props;
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const list = useRef<HTMLUListElement>(null);
  const first = shapes.findIndex((one) => selection.includes(one.annotation_id));
  useEffect(() => {
    list.current?.querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest" });
  }, [selection]);
  const onKeyDown = (event: KeyboardEvent, at: number) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = by && !event.shiftKey && !event.ctrlKey && !event.metaKey && shapes[at + by];
    if (by && next) {
      props.onSelect([next.annotation_id]);
      list.current?.querySelectorAll<HTMLElement>("[data-shape]")[at + by]?.focus();
    } else if (event.key === "F2" || (event.key === "Enter" && selection.length)) props.onRename();
    else if (!by) return;
    event.preventDefault();
  };
  if (!shapes.length) return <div className={styles.none}>{props.empty}</div>;
  return (
    <ul ref={list} className={styles.list} aria-label={t("canvas.shapes")}>
      {shapes.map((shape, at) => {
        const id = shape.annotation_id;
        const index = classes.findIndex((one) => one.class_id === shape.class_id);
        const name = classes[index]?.name ?? shape.class_id;
        const suggestion = suggestions.get(id);
        const isOpen = suggestion && !suggestion.touched;
        const on = selection.includes(id);
        const called = `${at + 1} ${name}`;
        return (
          <li key={id} className={mergeClasses(styles.row, on && styles.on)}>
            <button
              type="button"
              data-shape={id}
              className={styles.name}
              aria-pressed={on}
              tabIndex={at === Math.max(first, 0) ? 0 : -1}
              onClick={() => props.onSelect([id])}
              onKeyDown={(event) => onKeyDown(event, at)}
            >
              <span className={styles.number}>{at + 1}</span>
              <ClassMark index={index} />
              <span className={styles.words}>{name}</span>
              {lockedIds.has(id) && <span className={styles.sure}>{t("canvas.locked")}</span>}
              {isOpen && (
                <span className={styles.sure}>
                  {formatPercent(suggestion.confidence, i18n.language)}
                </span>
              )}
            </button>
            {isOpen && (
              <Button
                appearance="subtle"
                size="small"
                icon={<Icon name="check" size={16} />}
                aria-label={t("canvas.accept", { name: called })}
                disabledFocusable={closed}
                onClick={() => props.onAccept(id)}
              />
            )}
            <Button
              appearance="subtle"
              size="small"
              icon={<Icon name={isOpen ? "clear" : "trash"} size={16} />}
              aria-label={t(isOpen ? "canvas.reject" : "canvas.delete", { name: called })}
              disabledFocusable={closed || lockedIds.has(id)}
              onClick={() => props.onDelete(id)}
            />
          </li>
        );
      })}
    </ul>
  );
}
