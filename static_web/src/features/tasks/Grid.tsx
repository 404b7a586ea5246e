import { makeStyles } from "@fluentui/react-components";
import { useEffect, type ReactNode, type Ref } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass } from "@/api/types";

import { columnsOf, rowsOf, screenful, type Layout } from "./layouts";
import type { Session } from "./session";
import { imageSource, Tile } from "./Tile";

const useStyles = makeStyles({
  grid: {
    display: "grid",
    gap: "6px",
    height: "100%",
    boxSizing: "border-box",
    padding: "0",
  },
});

interface Props {
  gridRef: Ref<HTMLDivElement>;
  session: Session;
  classes: readonly LabelClass[];
  layout: Layout;
  portrait: boolean;
  onFocus: (index: number, how?: "toggle" | "extend") => void;
  onLarge: () => void;
  onUnreadable: (itemId: string) => void;
}

/** The images of the page, as many at once as the layout says. */
export function Grid({ gridRef, session, classes, layout, portrait, ...on }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const page = session.pages[0];
  const next = session.pages[1];
  const columns = columnsOf(layout, portrait);
  const sizes = `${Math.round(88 / columns)}vw`;

  // The next page is fetched and decoded before it is asked for.
  useEffect(() => {
    for (const item of next?.items ?? []) {
      const image = new Image();
      Object.assign(image, imageSource(item, sizes));
      image.decode().catch(() => undefined);
    }
  }, [next, sizes]);

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
        gridTemplateRows: `repeat(${rowsOf(layout, portrait)}, minmax(0, 1fr))`,
      }}
    >
      {page.items.slice(first, first + layout).map((item, place) => (
        <Tile
          key={item.item_id}
          item={item}
          work={page.work[item.item_id]}
          classes={classes}
          problem={page.problems[item.item_id]}
          position={first + place + 1}
          count={page.items.length}
          sizes={sizes}
          focused={session.focus === first + place}
          selected={session.selection.has(item.item_id)}
          onFocus={(how) => on.onFocus(first + place, how)}
          onLarge={on.onLarge}
          onUnreadable={() => on.onUnreadable(item.item_id)}
        />
      ))}
    </div>
  );
}
