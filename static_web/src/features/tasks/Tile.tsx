import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useEffect, useRef, useState, type MouseEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass, TaskItem } from "@/api/types";
import { ClassMark } from "@/ui/ClassMark";
import { Icon } from "@/ui/Icon";

import { describeWork } from "./describe";
import type { Work } from "./session";

const STRIP_PX = 28;

const useStyles = makeStyles({
  tile: {
    display: "grid",
    gridTemplateRows: `minmax(0, 1fr) ${STRIP_PX}px`,
    minWidth: 0,
    minHeight: 0,
    backgroundColor: tokens.colorNeutralBackground6,
    borderRadius: "4px",
    overflow: "hidden",
    cursor: "default",
    userSelect: "none",
    outlineOffset: "-3px",
    ":focus": { outlineStyle: "none" },
  },
  focused: {
    outline: `3px solid ${tokens.colorStrokeFocus2}`,
    ":focus": { outline: `3px solid ${tokens.colorStrokeFocus2}` },
  },
  selected: { boxShadow: `inset 0 0 0 3px ${tokens.colorCompoundBrandStroke}` },
  frame: { position: "relative", minHeight: 0, minWidth: 0, margin: "3px 3px 0" },
  image: {
    position: "absolute",
    inset: 0,
    width: "100%",
    height: "100%",
    objectFit: "contain",
    opacity: 0,
  },
  shown: { opacity: 1, transition: "opacity 100ms" },
  unavailable: {
    position: "absolute",
    inset: 0,
    display: "grid",
    placeContent: "center",
    justifyItems: "center",
    gap: "8px",
    padding: "12px",
    textAlign: "center",
    color: tokens.colorNeutralForeground3,
  },
  strip: {
    display: "flex",
    alignItems: "center",
    gap: "10px",
    paddingInline: "8px",
    fontSize: "13px",
    lineHeight: "20px",
    minWidth: 0,
    overflow: "hidden",
    whiteSpace: "nowrap",
  },
  chip: { display: "inline-flex", alignItems: "center", gap: "6px", minWidth: 0, flexShrink: 1 },
  chipName: { overflow: "hidden", textOverflow: "ellipsis" },
  open: { color: tokens.colorNeutralForeground3 },
  problem: {
    color: tokens.colorStatusWarningForeground3,
    overflow: "hidden",
    textOverflow: "ellipsis",
  },
  path: {
    marginLeft: "auto",
    color: tokens.colorNeutralForeground3,
    fontSize: "12px",
    overflow: "hidden",
    textOverflow: "ellipsis",
    flexShrink: 100,
    minWidth: "2em",
    "@media (max-width: 720px)": { display: "none" },
  },
  check: {
    display: "inline-flex",
    width: "18px",
    height: "18px",
    flex: "none",
    alignItems: "center",
    justifyContent: "center",
    borderRadius: "4px",
    backgroundColor: tokens.colorBrandBackground,
    color: tokens.colorNeutralForegroundOnBrand,
  },
});

interface Props {
  item: TaskItem;
  work: Work | undefined;
  classes: readonly LabelClass[];
  problem: string | undefined;
  position: number;
  count: number;
  /** How wide the image is drawn, for the choice of its size. */
  sizes: string;
  focused: boolean;
  selected: boolean;
  onFocus: (how?: "toggle" | "extend") => void;
  onLarge: () => void;
  onUnreadable: () => void;
}

/** One image to label, with what is decided about it in a strip below. */
export function Tile(props: Props): ReactNode {
  const { item, work, classes, problem, position, count, focused, selected } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const said = describeWork(t, work, classes);
  const name = t("label.tile", { position, count, path: item.path, work: said });
  const choose = (event: MouseEvent) => {
    if (event.shiftKey) props.onFocus("extend");
    else props.onFocus(event.ctrlKey || event.metaKey ? "toggle" : undefined);
  };
  return (
    // Keys are handled for the whole page: see commands.ts.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="option"
      aria-selected={selected}
      aria-label={name}
      aria-posinset={position}
      aria-setsize={count}
      tabIndex={focused ? 0 : -1}
      data-item={item.item_id}
      className={mergeClasses(styles.tile, selected && styles.selected, focused && styles.focused)}
      onClick={choose}
      onDoubleClick={props.onLarge}
    >
      <div className={styles.frame}>
        <Picture
          key={item.item_id}
          item={item}
          sizes={props.sizes}
          onUnreadable={props.onUnreadable}
        />
      </div>
      <div className={styles.strip}>
        {selected && (
          <span className={styles.check}>
            <Icon name="check" size={14} />
          </span>
        )}
        {work?.annotations.map((annotation) => {
          const index = classes.findIndex((one) => one.class_id === annotation.class_id);
          return (
            <span key={annotation.annotation_id} className={styles.chip}>
              <ClassMark index={index} />
              <span className={styles.chipName}>{classes[index]?.name}</span>
            </span>
          );
        })}
        {!work?.annotations.length && (
          <span className={work?.outcome ? styles.chip : styles.open}>{said}</span>
        )}
        {problem !== undefined && (
          <span className={styles.problem} title={problem}>
            {t("label.cameBack", { why: problem })}
          </span>
        )}
        {item.returned && problem === undefined && (
          <span className={styles.problem} title={item.returned.reason}>
            {t("label.returned", { why: item.returned.reason })}
          </span>
        )}
        <span className={styles.path} title={item.path}>
          {item.path.slice(item.path.lastIndexOf("/") + 1)}
        </span>
      </div>
    </div>
  );
}

interface PictureProps {
  item: TaskItem;
  sizes: string;
  onUnreadable: () => void;
}

function Picture({ item, sizes, onUnreadable }: PictureProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [shown, setShown] = useState("");
  const [failed, setFailed] = useState("");
  const image = useRef<HTMLImageElement>(null);
  const { preview } = item.images;
  useEffect(() => {
    if (image.current?.complete && image.current.naturalWidth) setShown(preview);
  }, [preview]);
  return (
    <>
      <img
        ref={image}
        className={mergeClasses(styles.image, shown && styles.shown)}
        {...imageSource(item, sizes)}
        alt=""
        draggable={false}
        onLoad={() => setShown(preview)}
        onError={() => {
          setFailed(preview);
          onUnreadable();
        }}
      />
      {failed === preview && (
        <div className={styles.unavailable}>
          <Icon name="image" size={32} />
          {t("label.noImage")}
        </div>
      )}
    </>
  );
}

/** Lets the browser choose between thumbnail and preview; prefetching asks in the same words. */
export function imageSource(
  item: TaskItem,
  sizes: string,
): { src: string; srcSet: string; sizes: string } {
  const { thumbnail, preview } = item.images;
  return { src: preview, srcSet: `${thumbnail} 400w, ${preview} 1600w`, sizes };
}
