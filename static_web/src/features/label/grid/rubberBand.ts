import { useEffect, useRef, useState, type MouseEvent, type PointerEvent } from "react";

/** What the pointer spans, in pixels of the grid. */
export interface Band {
  left: number;
  top: number;
  width: number;
  height: number;
}

const DRAG_PX = 5; // less is a click with an unsteady hand
const LONG_PRESS_MS = 400;

interface Press {
  pointerId: number;
  x: number;
  y: number;
  touch: boolean;
  /** Selected before, and staying so. */
  base: readonly string[];
  /** What to return to when the drag is given up. */
  before: readonly string[];
  tiles: { itemId: string; box: DOMRect }[];
  banding: boolean;
}

/**
 * Selects the tiles that a drag touches; Ctrl or Shift adds to what is selected. On a touch screen a long
 * press begins it. A click stays a click. `onSelect` hears only of changes.
 */
export function useRubberBand(
  enabled: boolean,
  selection: ReadonlySet<string>,
  onSelect: (itemIds: readonly string[]) => void,
) {
  const [band, setBand] = useState<Band | null>(null);
  const press = useRef<Press | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const dragged = useRef(false);
  const said = useRef("");
  const giveUp = useRef<() => void>(() => undefined);

  const select = (itemIds: readonly string[]) => {
    const next = itemIds.join();
    if (next !== said.current) onSelect(itemIds);
    said.current = next;
  };
  const span = (grid: HTMLElement, x: number, y: number) => {
    const from = press.current;
    if (!from) return;
    const box = grid.getBoundingClientRect();
    const [left, right] = [Math.min(from.x, x), Math.max(from.x, x)];
    const [top, bottom] = [Math.min(from.y, y), Math.max(from.y, y)];
    const touched = from.tiles
      .filter(
        (one) =>
          one.box.left <= right &&
          one.box.right >= left &&
          one.box.top <= bottom &&
          one.box.bottom >= top,
      )
      .map((one) => one.itemId);
    setBand({
      left: left - box.left,
      top: top - box.top,
      width: right - left,
      height: bottom - top,
    });
    select([...new Set([...from.base, ...touched])]);
  };
  const begin = (grid: HTMLElement, x: number, y: number) => {
    if (!press.current) return;
    press.current.banding = true;
    dragged.current = true;
    said.current = press.current.before.join();
    grid.setPointerCapture(press.current.pointerId);
    span(grid, x, y);
  };
  const end = () => {
    clearTimeout(timer.current);
    press.current = null;
    setBand(null);
  };
  useEffect(() => {
    giveUp.current = () => {
      if (press.current?.banding) onSelect(press.current.before);
      end();
    };
  });

  // Esc takes the drag back, and nothing else.
  const banding = band !== null;
  useEffect(() => {
    if (!banding) return;
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      giveUp.current();
    };
    window.addEventListener("keydown", escape, { capture: true });
    return () => window.removeEventListener("keydown", escape, { capture: true });
  }, [banding]);

  const on = {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      dragged.current = false;
      if (!enabled || event.button !== 0 || !event.isPrimary) return;
      const grid = event.currentTarget;
      const touch = event.pointerType === "touch";
      const adds = touch || event.ctrlKey || event.metaKey || event.shiftKey;
      const { clientX: x, clientY: y, pointerId } = event;
      const tiles = [...grid.querySelectorAll<HTMLElement>("[data-item]")].map((tile) => ({
        itemId: tile.dataset["item"] ?? "",
        box: tile.getBoundingClientRect(),
      }));
      const before = [...selection];
      const base = adds ? before : [];
      press.current = { pointerId, x, y, touch, base, before, tiles, banding: false };
      if (touch) timer.current = setTimeout(() => begin(grid, x, y), LONG_PRESS_MS);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const from = press.current;
      if (from?.pointerId !== event.pointerId) return;
      const { clientX: x, clientY: y, currentTarget } = event;
      if (from.banding) span(currentTarget, x, y);
      else if (Math.hypot(x - from.x, y - from.y) > DRAG_PX) {
        if (from.touch) end();
        else begin(currentTarget, x, y);
      }
    },
    onPointerUp: end,
    onPointerCancel: () => giveUp.current(),
    // The click that ends a drag chooses nothing.
    onClickCapture: (event: MouseEvent) => {
      if (dragged.current) event.stopPropagation();
      dragged.current = false;
    },
    onContextMenu: (event: MouseEvent) => {
      if (press.current?.touch) event.preventDefault();
    },
  };
  return { band, on };
}
