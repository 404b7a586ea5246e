import { Checkbox, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import type { ItemLine, LabelClass } from "@/api/types";
import { Icon } from "@/ui/Icon";
import { Thumbnail } from "@/ui/Thumbnail";

import { ClassChips } from "./ClassChips";
import { Shapes } from "./Shapes";

const TILE_PX = 188;
const GAP_PX = 12;
const CAPTION_PX = 56;
const ROWS_AHEAD = 4;

const useStyles = makeStyles({
  list: { position: "relative", width: "100%" },
  row: { position: "absolute", insetInline: 0, top: 0, display: "grid", gap: `${GAP_PX}px` },
  tile: {
    position: "relative",
    minWidth: 0,
    borderRadius: "6px",
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    overflow: "hidden",
  },
  selected: { outline: `2px solid ${tokens.colorCompoundBrandStroke}`, outlineOffset: "-1px" },
  link: {
    display: "block",
    position: "relative",
    ":focus-visible": {
      outline: `2px solid ${tokens.colorStrokeFocus2}`,
      outlineOffset: "-2px",
    },
  },
  check: {
    position: "absolute",
    top: "4px",
    left: "4px",
    borderRadius: "4px",
    backgroundColor: tokens.colorNeutralBackground1,
    opacity: 0.9,
    "@media (pointer: coarse)": {
      minWidth: "44px",
      minHeight: "44px",
      alignItems: "center",
      justifyContent: "center",
      "& .fui-Checkbox__input": { width: "44px", height: "44px" },
    },
  },
  caption: {
    display: "grid",
    alignContent: "center",
    height: `${CAPTION_PX}px`,
    paddingInline: "8px",
    overflow: "hidden",
  },
  classes: { height: "20px", overflow: "hidden" },
  approved: { color: tokens.colorBrandForeground1, verticalAlign: "middle" },
  file: {
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    fontSize: "12px",
    lineHeight: "16px",
    color: tokens.colorNeutralForeground3,
  },
});

interface Props {
  items: readonly ItemLine[];
  classes: readonly LabelClass[];
  selected: ReadonlySet<string>;
  /** Where an image is shown large. */
  hrefOf: (itemId: string) => string;
  /** `through`: all from the one chosen before to this one. */
  onSelect: (index: number, chosen: boolean, through: boolean) => void;
  /** The end comes into sight. */
  onEnd: () => void;
}

/** Thumbnails with their labels; only those in sight are there. */
export function Grid({ items, classes, selected, hrefOf, onSelect, onEnd }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const namesOf = (ids: readonly string[]) =>
    ids
      .map((id) => classes.find((one) => one.class_id === id)?.name ?? id)
      .map((name) => name.slice(name.lastIndexOf("/") + 1))
      .join(", ") || t("label.nothing");
  const list = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const measure = () =>
      setPlace({
        width: element.clientWidth,
        top: element.getBoundingClientRect().top + window.scrollY,
      });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const columns = Math.max(2, Math.floor((place.width + GAP_PX) / (TILE_PX + GAP_PX)));
  const tile = Math.max(1, (place.width - (columns - 1) * GAP_PX) / columns);
  const rowPx = (tile * 3) / 4 + CAPTION_PX + GAP_PX;
  const count = Math.ceil(items.length / columns);
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => rowPx,
    overscan: ROWS_AHEAD,
    scrollMargin: place.top,
  });
  useEffect(() => rows.measure(), [rows, rowPx]);
  const shown = rows.getVirtualItems();
  const end = shown.at(-1)?.index ?? -1;
  useEffect(() => {
    if (place.width && end >= count - 1) onEnd();
  }, [place.width, end, count, onEnd]);
  return (
    <div
      ref={list}
      role="list"
      aria-label={t("data.images")}
      className={styles.list}
      style={{ height: `${rows.getTotalSize()}px` }}
    >
      {place.width > 0 &&
        shown.map((row) => (
          <div
            key={row.index}
            role="presentation"
            className={styles.row}
            style={{
              transform: `translateY(${row.start - place.top}px)`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
            }}
          >
            {items.slice(row.index * columns, (row.index + 1) * columns).map((item, at) => {
              const index = row.index * columns + at;
              const file = item.path.slice(item.path.lastIndexOf("/") + 1);
              const chosen = selected.has(item.item_id);
              return (
                <div
                  key={item.item_id}
                  role="listitem"
                  aria-setsize={items.length}
                  aria-posinset={index + 1}
                  data-item={item.item_id}
                  className={mergeClasses(styles.tile, chosen && styles.selected)}
                >
                  <Link href={hrefOf(item.item_id)} className={styles.link} title={item.path}>
                    <Thumbnail src={item.images.thumbnail} alt={item.path} />
                    {item.labels && (
                      <Shapes
                        annotations={item.labels}
                        classes={classes}
                        width={item.width}
                        height={item.height}
                      />
                    )}
                  </Link>
                  <Checkbox
                    className={styles.check}
                    checked={chosen}
                    input={{ "aria-label": t("data.select", { path: item.path }) }}
                    onChange={({ nativeEvent }, data) =>
                      onSelect(
                        index,
                        Boolean(data.checked),
                        nativeEvent instanceof MouseEvent && nativeEvent.shiftKey,
                      )
                    }
                  />
                  <div className={styles.caption}>
                    <span className={styles.classes}>
                      {item.classes.length > 0 ? (
                        <ClassChips ids={item.classes} classes={classes} />
                      ) : (
                        t(item.state === "labeled" ? "label.nothing" : `data.states.${item.state}`)
                      )}
                    </span>
                    <span className={styles.file}>
                      {item.approved && (
                        <span className={styles.approved} title={t("data.verdicts.approved")}>
                          <Icon name="check" size={16} />
                        </span>
                      )}
                      {item.seems
                        ? t("data.seems", { classes: namesOf(item.seems) })
                        : item.reason || file}
                    </span>
                  </div>
                </div>
              );
            })}
          </div>
        ))}
    </div>
  );
}
