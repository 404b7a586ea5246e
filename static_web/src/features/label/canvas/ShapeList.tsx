import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { boundsOf, shapeOf, type Size } from "@/annotate/geometry";
import type { Suggestion } from "@/annotate/render/look";
import type { Annotation, LabelClass } from "@/api/types";
import { formatPercent } from "@/format";
import { ClassMark } from "@/ui/ClassMark";
import { Icon, type IconName } from "@/ui/Icon";

const ROW_PX = 32;
const TOUCH_ROW_PX = 44;
/** Before the list was measured. */
const FIRST_RECT = { width: 184, height: 320 };

const focusRing = {
  outline: `2px solid ${tokens.colorStrokeFocus2}`,
  outlineOffset: "-2px",
} as const;

const useStyles = makeStyles({
  list: { overflowY: "auto", minHeight: 0, padding: "0 4px 8px", scrollbarWidth: "thin" },
  rows: { position: "relative", margin: 0, padding: 0, listStyleType: "none" },
  row: {
    position: "absolute",
    insetInline: 0,
    display: "flex",
    alignItems: "stretch",
    borderRadius: "4px",
    paddingRight: "2px",
    // What can be done with a shape is beside the one at hand; the others have the room for their names.
    "& [data-act]": { display: "none" },
    "&:hover [data-act]": { display: "grid" },
    "&:hover [data-sure]": { display: "none" },
    "&:focus-within [data-act]": { display: "grid" },
  },
  on: {
    backgroundColor: tokens.colorSubtleBackgroundSelected,
    "& [data-act]": { display: "grid" },
    "& [data-sure]": { display: "none" },
  },
  name: {
    display: "flex",
    flex: 1,
    alignItems: "center",
    gap: "6px",
    minWidth: 0,
    padding: "2px 4px",
    border: "none",
    borderRadius: "4px",
    backgroundColor: "transparent",
    color: "inherit",
    font: "inherit",
    textAlign: "left",
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": focusRing,
  },
  number: {
    minWidth: "16px",
    textAlign: "right",
    color: tokens.colorNeutralForeground3,
    fontVariantNumeric: "tabular-nums",
  },
  words: {
    flex: 1,
    minWidth: 0,
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
  },
  sure: { color: tokens.colorNeutralForeground2, fontSize: "12px" },
  act: {
    placeContent: "center",
    flex: "none",
    width: "24px",
    padding: 0,
    border: "none",
    borderRadius: "4px",
    backgroundColor: "transparent",
    color: "inherit",
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": focusRing,
    "[aria-disabled=true]": { color: tokens.colorNeutralForegroundDisabled, cursor: "default" },
    "@media (pointer: coarse)": { width: "44px" },
  },
});

interface Props {
  /** Of the image, in pixels. */
  size: Size | undefined;
  shapes: readonly Annotation[];
  suggestions: ReadonlyMap<string, Suggestion>;
  lockedIds: ReadonlySet<string>;
  /** Suggestions nobody has looked at, which are not submitted. */
  unseenIds: ReadonlySet<string>;
  selection: readonly string[];
  classes: readonly LabelClass[];
  closed: boolean;
  onSelect: (ids: readonly string[]) => void;
  onAccept: (id: string) => void;
  onDelete: (id: string) => void;
  onRename: () => void;
}

/** The shapes of the image by number: the accessible view of what is drawn. There may be thousands. */
export function ShapeList(props: Props): ReactNode {
  const { shapes, suggestions, lockedIds, selection, classes, closed } = props;
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const list = useRef<HTMLDivElement>(null);
  const [chosen] = selection;
  const first = Math.max(
    0,
    chosen === undefined ? 0 : shapes.findIndex((one) => one.annotation_id === chosen),
  );
  const on = new Set(selection);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing of it is passed on
  const rows = useVirtualizer({
    count: shapes.length,
    getScrollElement: () => list.current,
    estimateSize: () => (window.matchMedia("(pointer: coarse)").matches ? TOUCH_ROW_PX : ROW_PX),
    getItemKey: (at) => shapes[at]?.annotation_id ?? at,
    initialRect: FIRST_RECT,
    overscan: 20,
    // The one that the keyboard comes to is always there.
    rangeExtractor: (range) =>
      [...new Set([first, ...defaultRangeExtractor(range)])].sort((a, b) => a - b),
  });
  useEffect(() => {
    if (chosen !== undefined) rows.scrollToIndex(first, { align: "auto" });
  }, [rows, first, chosen]);
  const onKeyDown = (event: KeyboardEvent, at: number) => {
    const plain = !event.shiftKey && !event.ctrlKey && !event.metaKey;
    const by = plain ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined;
    const next = by && shapes[at + by];
    if (next) {
      props.onSelect([next.annotation_id]);
      rows.scrollToIndex(at + by, { align: "auto" });
      requestAnimationFrame(() => focusOn(next.annotation_id));
    } else if (event.key === "F2" || (event.key === "Enter" && selection.length)) props.onRename();
    else if (!by) return;
    event.preventDefault(); // at its ends too: else the arrow would move the shape
  };
  const placeOf = (annotation: Annotation): string | undefined => {
    const shape = shapeOf(annotation);
    if (!shape || !props.size) return undefined;
    const { width, height } = props.size;
    const { x0, y0, x1, y1 } = boundsOf(shape);
    return t("canvas.place", {
      x: Math.round(x0 * width),
      y: Math.round(y0 * height),
      width: Math.round((x1 - x0) * width),
      height: Math.round((y1 - y0) * height),
    });
  };
  const focusOn = (id: string): void =>
    list.current?.querySelector<HTMLElement>(`[data-shape="${CSS.escape(id)}"]`)?.focus();
  if (!shapes.length) return null;
  return (
    <div ref={list} className={styles.list}>
      <ul
        className={styles.rows}
        aria-label={t("canvas.shapes")}
        style={{ height: rows.getTotalSize() }}
      >
        {rows.getVirtualItems().map(({ index: at, start, size }) => {
          const shape = shapes[at];
          if (!shape) return null;
          const id = shape.annotation_id;
          const known = classes.find((one) => one.class_id === shape.class_id);
          const name = known?.name ?? shape.class_id;
          const suggestion = suggestions.get(id);
          const isOpen = suggestion && !suggestion.touched;
          const called = `${at + 1} ${name}`;
          return (
            <li
              key={id}
              className={mergeClasses(styles.row, on.has(id) && styles.on)}
              style={{ top: start, height: size }}
              aria-setsize={shapes.length}
              aria-posinset={at + 1}
            >
              <button
                type="button"
                data-shape={id}
                className={styles.name}
                aria-pressed={on.has(id)}
                title={placeOf(shape)}
                tabIndex={at === first ? 0 : -1}
                onClick={() => props.onSelect([id])}
                onKeyDown={(event) => onKeyDown(event, at)}
              >
                <span className={styles.number}>{at + 1}</span>
                <ClassMark colour={known?.colour ?? 0} />
                <span className={styles.words}>{name}</span>
                {lockedIds.has(id) && <span className={styles.sure}>{t("canvas.locked")}</span>}
                {isOpen && (
                  <span data-sure="" className={styles.sure}>
                    {props.unseenIds.has(id) && (
                      <span data-unseen="" role="img" aria-label={t("canvas.unseen")}>
                        ●{" "}
                      </span>
                    )}
                    {formatPercent(suggestion.confidence, i18n.language)}
                  </span>
                )}
              </button>
              {isOpen && (
                <RowButton
                  icon="check"
                  name={t("canvas.accept", { name: called })}
                  disabled={closed}
                  reachable={at === first}
                  onClick={() => props.onAccept(id)}
                />
              )}
              <RowButton
                icon={isOpen ? "clear" : "trash"}
                name={t(isOpen ? "canvas.reject" : "canvas.delete", { name: called })}
                disabled={closed || lockedIds.has(id)}
                reachable={at === first}
                onClick={() => props.onDelete(id)}
              />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** Lighter than the buttons elsewhere: there are many of them, and they are made while one scrolls. */
function RowButton({
  icon,
  name,
  disabled,
  reachable,
  onClick,
}: {
  icon: IconName;
  name: string;
  disabled: boolean;
  /** By the Tab key: those of the shape at hand are. */
  reachable: boolean;
  onClick: () => void;
}): ReactNode {
  const styles = useStyles();
  return (
    <button
      type="button"
      data-act=""
      className={styles.act}
      aria-label={name}
      title={name}
      aria-disabled={disabled}
      tabIndex={reachable ? 0 : -1}
      onClick={disabled ? undefined : onClick}
    >
      <Icon name={icon} size={16} />
    </button>
  );
}
