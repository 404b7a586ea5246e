import { makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useMemo, type ReactNode, type Ref, type RefObject } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass, TaskItem } from "@/api/types";

import { columnsOf, rowsOf, screenful, type Layout } from "./layouts";
import { useRubberBand } from "./rubberBand";
import type { Session } from "../session/session";
import { imageSource, Tile, type Looked, type TileActions } from "./Tile";
import type { ZoomControl } from "./Zoomable";

const useStyles = makeStyles({
  grid: {
    display: "grid",
    gap: "6px",
    height: "100%",
    boxSizing: "border-box",
    padding: "0",
    position: "relative",
    // One finger selects; two still magnify the page.
    touchAction: "pinch-zoom",
  },
  band: {
    position: "absolute",
    border: `1px solid ${tokens.colorCompoundBrandStroke}`,
    boxSizing: "border-box",
    pointerEvents: "none",
    "::before": {
      content: "''",
      position: "absolute",
      inset: 0,
      backgroundColor: tokens.colorCompoundBrandStroke,
      opacity: 0.15,
    },
  },
});

interface Props {
  gridRef: Ref<HTMLDivElement>;
  session: Session;
  classes: readonly LabelClass[];
  layout: Layout;
  portrait: boolean;
  zoomRef: RefObject<ZoomControl | null>;
  onZoom: (scale: number) => void;
  onSelect: (itemIds: readonly string[]) => void;
  actions: TileActions;
  projectId: string;
  /** The frames that are shown, by image, where it is not the first. */
  frames: ReadonlyMap<string, number>;
  /** Of the only image that is shown, where browsers don't show it. */
  looked: Looked | null;
}

/** The images of the page, as many at once as the layout says. */
export function Grid(props: Props): ReactNode {
  const { gridRef, session, classes, layout, portrait, zoomRef, onZoom, actions } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const page = session.pages[0];
  const next = session.pages[1];
  const columns = columnsOf(layout, portrait);
  const rows = rowsOf(layout, portrait);
  const pageId = page?.task.task_id;

  // The next page is fetched and decoded before it is asked for, but after the one that is looked at.
  useEffect(() => {
    let gone = false;
    const shown = [...document.querySelectorAll<HTMLImageElement>("[data-item] img")];
    void Promise.allSettled(shown.map((image) => image.decode())).then(() => {
      if (gone) return;
      for (const item of next?.items ?? []) {
        const image = new Image();
        Object.assign(image, imageSource(item, drawnWidth(item, columns, rows)));
        image.decode().catch(() => undefined);
      }
    });
    return () => {
      gone = true;
    };
  }, [next, pageId, columns, rows]);

  const { band, on } = useRubberBand(layout > 1, session.selection, props.onSelect);
  const single = useMemo(
    () => (layout === 1 ? { control: zoomRef, onZoom } : null),
    [layout, zoomRef, onZoom],
  );

  if (!page) return null;
  const first = screenful(session.focus, layout);
  return (
    <div
      ref={gridRef}
      role="listbox"
      aria-multiselectable
      aria-label={t("label.images")}
      className={styles.grid}
      style={{
        gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
        gridTemplateRows: `repeat(${rows}, minmax(0, 1fr))`,
      }}
      {...on}
    >
      {page.items.slice(first, first + layout).map((item, place) => (
        <Tile
          key={item.item_id}
          item={item}
          work={page.work[item.item_id]}
          classes={classes}
          problem={page.problems[item.item_id]}
          projectId={props.projectId}
          taskId={page.task.task_id}
          frame={props.frames.get(item.item_id) ?? 0}
          looked={props.looked}
          index={first + place}
          count={page.items.length}
          sizes={drawnWidth(item, columns, rows)}
          focused={session.focus === first + place}
          selected={session.selection.has(item.item_id)}
          single={single}
          actions={actions}
        />
      ))}
      {band && <div className={styles.band} style={band} />}
    </div>
  );
}

const STAGE = { width: 0.88, height: 0.88 }; // of the window, beside the classes and between the bars
const STRIP_PX = 28;

/** About how wide an image is drawn, which decides what copy of it the browser fetches. */
function drawnWidth(item: TaskItem, columns: number, rows: number): string {
  const width = (window.innerWidth * STAGE.width) / columns;
  const height = (window.innerHeight * STAGE.height) / rows - STRIP_PX;
  const shape = item.width && item.height ? item.width / item.height : Infinity;
  return `${Math.ceil(Math.min(width, height * shape))}px`;
}
