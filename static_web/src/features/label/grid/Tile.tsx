import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import {
  memo,
  useEffect,
  useRef,
  useState,
  type MouseEvent,
  type ReactNode,
  type RefObject,
} from "react";
import { useTranslation } from "react-i18next";

import type { FrameView, LabelClass, TaskItem } from "@/api/types";
import { useFrame } from "@/frames/useFrame";
import type { Frames } from "@/frames/useFrames";
import { wheelSteps } from "@/frames/wheel";
import { WindowDrag } from "@/frames/WindowDrag";
import { ClassMark } from "@/ui/ClassMark";
import { Icon } from "@/ui/Icon";

import { OutcomeMark } from "../panels/OutcomeMark";
import { describeReason, describeReturn, describeWork, percent } from "../session/describe";
import type { Work } from "../session/session";
import { Zoomable, type ZoomControl } from "./Zoomable";

const STRIP_PX = 28;
const TOUCH_STRIP_PX = 36;

const useStyles = makeStyles({
  tile: {
    display: "grid",
    position: "relative",
    gridTemplateRows: `minmax(0, 1fr) ${STRIP_PX}px`,
    gridTemplateColumns: "minmax(0, 1fr)",
    minWidth: 0,
    minHeight: 0,
    backgroundColor: tokens.colorNeutralBackground6,
    borderRadius: "4px",
    overflow: "hidden",
    cursor: "default",
    userSelect: "none",
    outlineOffset: "-3px",
    ":focus": { outlineStyle: "none" },
    ":hover [data-testid=select], :focus [data-testid=select]": { opacity: 1 },
    "@media (hover: none)": { gridTemplateRows: `minmax(0, 1fr) ${TOUCH_STRIP_PX}px` },
  },
  single: {
    gridTemplateRows: `minmax(0, 1fr) minmax(${STRIP_PX}px, auto) auto`,
    "@media (hover: none)": {
      gridTemplateRows: `minmax(0, 1fr) minmax(${TOUCH_STRIP_PX}px, auto) auto`,
    },
  },
  focused: {
    outline: `3px solid ${tokens.colorStrokeFocus2}`,
    ":focus": { outline: `3px solid ${tokens.colorStrokeFocus2}` },
  },
  selected: { boxShadow: `inset 0 0 0 3px ${tokens.colorCompoundBrandStroke}` },
  frame: { position: "relative", minHeight: 0, minWidth: 0, margin: "3px 3px 0" },
  several: {
    position: "absolute",
    left: "8px",
    top: "8px",
    paddingInline: "8px",
    borderRadius: "10px",
    fontSize: "12px",
    lineHeight: "20px",
    fontVariantNumeric: "tabular-nums",
    color: tokens.colorNeutralForegroundOnBrand,
    backgroundColor: tokens.colorBackgroundOverlay,
    pointerEvents: "none",
  },
  image: {
    position: "absolute",
    inset: 0,
    width: "100%",
    height: "100%",
    objectFit: "contain",
    opacity: 0,
  },
  shown: { opacity: 1, transition: "opacity 100ms" },
  painted: {
    position: "absolute",
    inset: 0,
    "& > canvas": { width: "100%", height: "100%", objectFit: "contain" },
  },
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
  returned: {
    padding: "2px 8px 6px",
    maxHeight: "4.5em",
    overflowY: "auto",
    fontSize: "13px",
    lineHeight: "20px",
    color: tokens.colorStatusWarningForeground3,
    userSelect: "text",
  },
  chip: { display: "inline-flex", alignItems: "center", gap: "6px", minWidth: 0, flexShrink: 1 },
  chipName: { overflow: "hidden", textOverflow: "ellipsis" },
  open: { color: tokens.colorNeutralForeground3 },
  problem: {
    flexShrink: 20,
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
  suggested: {
    paddingInline: "6px",
    border: `1px dashed ${tokens.colorNeutralStroke1}`,
    borderRadius: "4px",
  },
  number: { fontVariantNumeric: "tabular-nums", color: tokens.colorNeutralForeground2 },
  untag: {
    display: "inline-flex",
    flex: "none",
    alignItems: "center",
    justifyContent: "center",
    width: "20px",
    height: "20px",
    marginInline: "-3px -5px",
    borderRadius: "4px",
    color: tokens.colorNeutralForeground3,
    cursor: "pointer",
    ":hover": {
      backgroundColor: tokens.colorSubtleBackgroundHover,
      color: tokens.colorNeutralForeground1,
    },
    "@media (hover: none)": { width: "32px", height: "32px" },
  },
  check: {
    position: "absolute",
    top: "8px",
    right: "8px",
    display: "inline-flex",
    width: "28px",
    height: "28px",
    alignItems: "center",
    justifyContent: "center",
    borderRadius: "50%",
    border: `2px solid ${tokens.colorNeutralForegroundOnBrand}`,
    boxSizing: "border-box",
    backgroundColor: tokens.colorBackgroundOverlay,
    color: "transparent",
    opacity: 0,
    cursor: "pointer",
    ":hover": { color: tokens.colorNeutralForegroundOnBrand },
    // Fingers need more than they see.
    "::before": { content: "''", position: "absolute", inset: "-8px" },
    "@media (hover: none)": { opacity: 0.8 },
  },
  checked: {
    opacity: 1,
    backgroundColor: tokens.colorBrandBackground,
    color: tokens.colorNeutralForegroundOnBrand,
  },
});

/** The same for all tiles, and for the life of the page, so that only what changed is drawn. */
export interface TileActions {
  onChoose: (index: number, event: MouseEvent) => void;
  onToggle: (index: number) => void;
  onUntag: (itemId: string, annotationId: string) => void;
  onLarge: () => void;
  onSeen: (itemId: string) => void;
  /** How long suggestions are shown before they count as seen; null: something lies over them. */
  seenMs: number | null;
  onUnreadable: (itemId: string) => void;
  /** To the next frame of an image, or to the one before. */
  onStep: (itemId: string, by: 1 | -1) => void;
}

/** What an image is looked through, and whether dragging moves that. */
export interface Looked {
  frames: Frames;
  windowing: boolean;
}

interface Props {
  item: TaskItem;
  work: Work | undefined;
  classes: readonly LabelClass[];
  problem: string | undefined;
  projectId: string;
  taskId: string;
  /** The frame that is shown, from 0. */
  frame: number;
  /** Where it is the only one, and browsers don't show it. */
  looked: Looked | null;
  /** Its place on the page, from 0. */
  index: number;
  count: number;
  /** How wide the image is drawn, for the choice of its size. */
  sizes: string;
  focused: boolean;
  selected: boolean;
  /** The only one that is shown: it can be looked at closely. */
  single: { control: RefObject<ZoomControl | null>; onZoom: (scale: number) => void } | null;
  actions: TileActions;
}

/** One image to label, with what is decided about it in a strip below. */
export const Tile = memo(function Tile(props: Props): ReactNode {
  const { item, work, classes, problem, index, count, focused, selected, single, actions } = props;
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [steps] = useState(wheelSteps);
  const said = describeWork(t, work, classes);
  const { frame, looked } = props;
  const { frames } = item;
  const several = frames > 1 ? t("frames.of", { frame: frame + 1, count: frames }) : "";
  const path = several ? `${item.path} (${several})` : item.path;
  const name = t("label.tile", { position: index + 1, count, path, work: said });
  const picture = (
    <Picture
      key={item.item_id}
      item={item}
      view={useFrame(props.projectId, props.taskId, item, frame)}
      looked={looked?.frames ?? null}
      sizes={props.sizes}
      actions={actions}
    />
  );
  const scroll = (event: { deltaY: number; deltaMode: number }): void => {
    const by = steps(event);
    if (by) actions.onStep(item.item_id, by);
  };
  const chip = (annotationId: string, classId: string, confidence?: number | null) => {
    const known = classes.find((one) => one.class_id === classId);
    return (
      <span
        key={annotationId}
        className={mergeClasses(styles.chip, confidence !== undefined && styles.suggested)}
      >
        <ClassMark colour={known?.colour ?? 0} />
        <span className={styles.chipName}>{known?.name ?? classId}</span>
        {typeof confidence === "number" && (
          <span className={styles.number}>{percent(confidence, i18n.language)}</span>
        )}
        {/* For the mouse; keys take tags away too, and an option holds no controls. */}
        {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
        <span
          className={styles.untag}
          data-testid="untag"
          title={t("commands.clear")}
          onPointerDown={(event) => event.stopPropagation()}
          onClick={(event) => {
            event.stopPropagation();
            actions.onUntag(item.item_id, annotationId);
          }}
        >
          <Icon name="clear" size={14} />
        </span>
      </span>
    );
  };
  const suggestions = work?.outcome ? [] : (work?.suggestions ?? []);
  const why = item.returned && describeReturn(t, item.returned.reason);
  return (
    // Keys are handled for the whole page: see commands.ts.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="option"
      aria-selected={selected}
      aria-label={why ? `${name}. ${why}` : name}
      aria-posinset={index + 1}
      aria-setsize={count}
      aria-keyshortcuts="1 2 3 4 5 6 7 8 9 0 / S A X Space Enter"
      tabIndex={focused ? 0 : -1}
      data-item={item.item_id}
      className={mergeClasses(
        styles.tile,
        single !== null && styles.single,
        selected && styles.selected,
        focused && styles.focused,
      )}
      onClick={(event) => actions.onChoose(index, event)}
      onDoubleClick={actions.onLarge}
    >
      <div className={styles.frame} onWheel={frames > 1 && !single ? scroll : undefined}>
        {single ? (
          <Zoomable
            key={item.item_id}
            item={item}
            {...single}
            onWheel={frames > 1 ? scroll : undefined}
            onPoint={looked?.frames.point}
          >
            {picture}
          </Zoomable>
        ) : (
          picture
        )}
        {looked?.windowing && single && (
          <WindowDrag
            frames={looked.frames}
            onPoint={(event) =>
              looked.frames.point(event && (single.control.current?.pixelAt(event) ?? null))
            }
            onStep={(by) => actions.onStep(item.item_id, by)}
          />
        )}
        <OutcomeMark work={work} />
        {several && (
          <span className={styles.several} data-testid="frames" aria-hidden>
            {`${frame + 1} / ${frames}`}
          </span>
        )}
      </div>
      {(!single || selected) && (
        // For the mouse and for fingers; Ctrl+click and Shift+arrows do the same.
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
        <span
          className={mergeClasses(styles.check, selected && styles.checked)}
          data-testid="select"
          onPointerDown={(event) => event.stopPropagation()}
          onDoubleClick={(event) => event.stopPropagation()}
          onClick={(event) => {
            event.stopPropagation();
            actions.onToggle(index);
          }}
        >
          <Icon name="check" size={16} />
        </span>
      )}
      <div className={styles.strip}>
        {work && isSaid(work) && (
          <span className={styles.chip}>
            <Icon name={work.outcome === "skipped" ? "skip" : "ask"} size={16} />
            <span className={styles.chipName} title={work.note ?? undefined}>
              {work.outcome === "skipped"
                ? describeReason(t, work.reason)
                : (work.note ?? t("label.asked"))}
            </span>
          </span>
        )}
        {work?.annotations.map((one) => chip(one.annotation_id, one.class_id))}
        {suggestions.map((one) => chip(one.annotation_id, one.class_id, one.confidence))}
        {!work?.annotations.length && !suggestions.length && !isSaid(work) && (
          <span className={work?.outcome ? styles.chip : styles.open}>{said}</span>
        )}
        {problem !== undefined && (
          <span className={styles.problem} title={problem}>
            {t("label.cameBack", { why: problem })}
          </span>
        )}
        {why && problem === undefined && !single && (
          <span className={styles.problem} title={item.returned?.reason}>
            {why}
          </span>
        )}
        <span className={styles.path} title={item.path}>
          {item.path.slice(item.path.lastIndexOf("/") + 1)}
        </span>
      </div>
      {why && single && <div className={styles.returned}>{why}</div>}
    </div>
  );
});

/** Skipped and asked-about images have their own words. */
function isSaid(work: Work | undefined): boolean {
  return work?.outcome === "skipped" || work?.outcome === "needs_review";
}

interface PictureProps {
  item: TaskItem;
  /** A frame behind the first, once it is there. */
  view: FrameView | null;
  looked: Frames | null;
  sizes: string;
  actions: TileActions;
}

function Picture({ item, view, looked, sizes, actions }: PictureProps): ReactNode {
  const { onSeen, onUnreadable, seenMs } = actions;
  const { t } = useTranslation();
  const styles = useStyles();
  const [shown, setShown] = useState("");
  const [failed, setFailed] = useState(false);
  const [attempts, setAttempts] = useState(0);
  const image = useRef<HTMLImageElement>(null);
  const { item_id: itemId } = item;
  const source = view?.url ? { src: view.url } : imageSource(item, sizes);
  const preview = source.src;
  // No copy of it was made yet: asking for its links makes one.
  const unmade = preview === "";
  useEffect(() => {
    if (unmade) onUnreadable(itemId);
  }, [unmade, attempts, itemId, onUnreadable]);
  useEffect(() => {
    if (image.current?.complete && image.current.naturalWidth) setShown(preview);
  }, [preview]);
  useEffect(() => {
    if (!shown || seenMs === null) return;
    let timer: ReturnType<typeof setTimeout>;
    const rest = () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") timer = setTimeout(() => onSeen(itemId), seenMs);
    };
    rest();
    document.addEventListener("visibilitychange", rest);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", rest);
    };
  }, [shown, itemId, onSeen, seenMs]);
  // Its links stay the same for a while: the browser would not ask again by itself.
  useEffect(() => {
    if (!failed && !unmade) return;
    const again = () => setAttempts((before) => before + 1);
    const wait = Math.min(RETRY_FIRST_MS * 2 ** attempts, RETRY_MOST_MS);
    const timer = setTimeout(again, wait);
    window.addEventListener("online", again);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("online", again);
    };
  }, [failed, unmade, attempts]);
  return (
    <>
      <img
        key={attempts}
        ref={image}
        className={mergeClasses(styles.image, shown && styles.shown)}
        {...source}
        alt=""
        draggable={false}
        onLoad={() => {
          setShown(preview);
          setFailed(false);
        }}
        onError={() => {
          setFailed(true);
          onUnreadable(itemId);
        }}
      />
      {looked?.window && <Painted canvas={looked.picture.canvas ?? null} />}
      {view?.problem && (
        <div role="alert" className={styles.unavailable}>
          {t("frames.problem", { why: view.problem })}
        </div>
      )}
      {failed && (
        <div className={styles.unavailable}>
          <Icon name="image" size={32} />
          {t("label.noImage")}
        </div>
      )}
    </>
  );
}

/** What is seen through a window, over the copy in 8 bits. It stays until the next frame is painted. */
function Painted({ canvas }: { canvas: HTMLCanvasElement | null }): ReactNode {
  const styles = useStyles();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (canvas) place.current?.replaceChildren(canvas);
  }, [canvas]);
  return <div ref={place} className={styles.painted} data-testid="painted" />;
}

const RETRY_FIRST_MS = 2_000;
const RETRY_MOST_MS = 60_000;

/** The longest sides of the copies, in pixels. */
const COPIES = { thumbnail: 400, medium: 800, preview: 1600 } as const;

/** Lets the browser choose among the copies; prefetching asks in the same words. */
export function imageSource(
  { images, width, height }: TaskItem,
  sizes: string,
): { src: string; srcSet: string; sizes: string } {
  // Copies of upright images are narrower than their longest side.
  const across = width && height ? Math.min(1, width / height) : 1;
  const copies = Object.entries(COPIES).map(
    ([name, side]) =>
      `${images[name as keyof typeof COPIES]} ${Math.max(1, Math.round(side * across))}w`,
  );
  return { src: images.preview, srcSet: copies.join(", "), sizes };
}
