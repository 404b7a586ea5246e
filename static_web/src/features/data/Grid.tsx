import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import {
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type MouseEvent,
  type ReactNode,
} from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import type { ItemLine, LabelClass } from "@/api/types";
import { Icon } from "@/ui/Icon";
import { Thumbnail } from "@/ui/Thumbnail";

import { ClassChips } from "./ClassChips";
import { paceOf } from "./pace";
import { Shapes } from "./Shapes";

const TILE_PX = 188;
const GAP_PX = 12;
const CAPTION_PX = 56;
const ROWS_AHEAD = 4;
/** Screens a second from which on nobody sees what flies past, and up to which it is looked at again. */
const HURRIED = 6;
const CALM = 3;
/** Said of a list while more of it is to come. */
const UNKNOWN = -1;

const useStyles = makeStyles({
  list: { position: "relative", width: "100%" },
  row: {
    position: "absolute",
    insetInline: 0,
    top: 0,
    display: "grid",
    gap: `${GAP_PX}px`,
    // A row is painted once, by itself, however the page is scrolled.
    contain: "layout style",
    willChange: "transform",
  },
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
    display: "grid",
    placeItems: "center",
    width: "32px",
    height: "32px",
    cursor: "pointer",
    "& input": {
      width: "16px",
      height: "16px",
      margin: 0,
      accentColor: tokens.colorCompoundBrandBackground,
      cursor: "pointer",
    },
    "@media (pointer: coarse)": {
      width: "44px",
      height: "44px",
      "& input": { width: "44px", height: "44px" },
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
  /** There are no more. */
  complete: boolean;
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
export function Grid({
  items,
  complete,
  classes,
  selected,
  hrefOf,
  onSelect,
  onEnd,
}: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const latest = useRef(onSelect);
  useEffect(() => {
    latest.current = onSelect;
  });
  const select = useCallback<Props["onSelect"]>((...chosen) => latest.current(...chosen), []);
  const [, navigate] = useLocation();
  // One for all tiles: a link of the router in each would listen to the address by itself.
  const follow = (event: MouseEvent<HTMLDivElement>): void => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const href = link?.getAttribute("href");
    const { ctrlKey, metaKey, altKey, shiftKey, button } = event;
    if (!href || ctrlKey || metaKey || altKey || shiftKey || button !== 0) return;
    event.preventDefault();
    navigate(href);
  };
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
  const [hurried, setHurried] = useState(false);
  const pace = useRef(paceOf());
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => rowPx,
    overscan: ROWS_AHEAD,
    scrollMargin: place.top,
    useFlushSync: false,
    onChange: ({ scrollOffset, isScrolling }) => {
      const screens = pace.current(scrollOffset ?? 0, performance.now()) / window.innerHeight;
      setHurried((before) => isScrolling && screens > (before ? CALM : HURRIED));
    },
  });
  useEffect(() => rows.measure(), [rows, rowPx]);
  const shown = rows.getVirtualItems();
  const end = shown.at(-1)?.index ?? -1;
  useEffect(() => {
    if (place.width && end >= count - 1) onEnd();
  }, [place.width, end, count, onEnd]);
  return (
    // The links in it are what keys and screen readers follow.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={list}
      role="list"
      onClick={follow}
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
            {items.slice(row.index * columns, (row.index + 1) * columns).map((item, at) => (
              <Tile
                key={item.item_id}
                item={item}
                index={row.index * columns + at}
                count={complete ? items.length : UNKNOWN}
                classes={classes}
                chosen={selected.has(item.item_id)}
                hurried={hurried}
                href={hrefOf(item.item_id)}
                onSelect={select}
              />
            ))}
          </div>
        ))}
    </div>
  );
}

interface TileProps extends Pick<Props, "classes" | "onSelect"> {
  item: ItemLine;
  index: number;
  count: number;
  chosen: boolean;
  /** What flies past is not fetched. */
  hurried: boolean;
  href: string;
}

/** One image of the list: drawn once, however the others are scrolled. */
const Tile = memo(function Tile(props: TileProps): ReactNode {
  const { item, index, count, classes, chosen, hurried, href, onSelect } = props;
  const [wanted, setWanted] = useState(!hurried);
  if (!hurried && !wanted) setWanted(true);
  const { t } = useTranslation();
  const styles = useStyles();
  const file = item.path.slice(item.path.lastIndexOf("/") + 1);
  const namesOf = (ids: readonly string[]) =>
    ids
      .map((id) => classes.find((one) => one.class_id === id)?.name ?? id)
      .map((name) => name.slice(name.lastIndexOf("/") + 1))
      .join(", ") || t("label.nothing");
  return (
    <div
      role="listitem"
      aria-setsize={count}
      aria-posinset={index + 1}
      data-item={item.item_id}
      className={mergeClasses(styles.tile, chosen && styles.selected)}
    >
      <a href={href} className={styles.link} title={item.path}>
        <Thumbnail
          src={wanted ? item.images.thumbnail : undefined}
          alt={item.path}
          loading="eager"
        />
        {item.labels && (
          <Shapes
            annotations={item.labels}
            classes={classes}
            width={item.width}
            height={item.height}
          />
        )}
      </a>
      <label className={styles.check}>
        <input
          type="checkbox"
          checked={chosen}
          aria-label={t("data.select", { path: item.path })}
          onChange={({ nativeEvent, target }) =>
            onSelect(
              index,
              target.checked,
              nativeEvent instanceof window.MouseEvent && nativeEvent.shiftKey,
            )
          }
        />
      </label>
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
          {item.honeypot && (
            <span className={styles.approved} title={t("data.honeypot")}>
              <Icon name="lock" size={16} />
            </span>
          )}
          {item.seems ? t("data.seems", { classes: namesOf(item.seems) }) : item.reason || file}
        </span>
      </div>
    </div>
  );
});
