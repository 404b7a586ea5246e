import { makeStyles } from "@fluentui/react-components";
import {
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
  type MouseEvent,
  type PointerEvent,
  type ReactNode,
  type Ref,
} from "react";

import type { TaskItem } from "@/api/types";

import { actualSize, FITTED, fitted, pannedBy, placeUnder, zoomedBy, type Zoom } from "./zoom";

const PREVIEW_PX = 1600; // the longer side of a preview
const WHEEL = 0.0015;
const PINCH = 0.01; // pinching on a touchpad comes as a wheel with Ctrl
const LINE_PX = 16;

const useStyles = makeStyles({
  frame: { position: "absolute", inset: 0, overflow: "hidden", touchAction: "none" },
  content: { position: "absolute", inset: 0 },
  full: {
    position: "absolute",
    inset: 0,
    width: "100%",
    height: "100%",
    objectFit: "contain",
  },
});

/** What keys and buttons do with the picture. */
export interface ZoomControl {
  by: (factor: number) => void;
  fit: () => void;
  /** Between fitted and the picture's own size. */
  toggle: () => void;
  pan: (dx: number, dy: number) => void;
  /** The place of the picture that a pointer is at, in pixels of the picture. */
  pixelAt: (pointer: { clientX: number; clientY: number }) => readonly [number, number];
}

interface Props {
  item: TaskItem;
  control: Ref<ZoomControl>;
  /** The scale, in parts of the picture's own size. */
  onZoom: (scale: number) => void;
  /** Of several frames: the wheel goes through them, and zooms with Ctrl alone. */
  onWheel?: ((event: WheelEvent) => void) | undefined;
  /** Which place of the picture is pointed at; null: none. */
  onPoint?: ((place: readonly [number, number] | null) => void) | undefined;
  children: ReactNode;
}

/** A picture to look at closely: by wheel, drag, double click, pinch, and by its control. */
export function Zoomable({ item, control, onZoom, onWheel, onPoint, children }: Props): ReactNode {
  const styles = useStyles();
  const frame = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const zoom = useRef<Zoom>(FITTED);
  const fingers = useRef(new Map<number, { x: number; y: number }>());
  const [sharp, setSharp] = useState(false);
  const room = () => ({
    width: frame.current?.clientWidth ?? 1,
    height: frame.current?.clientHeight ?? 1,
  });

  // Straight to the element: nothing else of the page changes while one looks.
  const show = (next: Zoom) => {
    zoom.current = next;
    const { scale, x, y } = next;
    if (content.current)
      content.current.style.transform =
        scale === 1 ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
    if (frame.current) frame.current.style.cursor = scale === 1 ? "" : "grab";
    const drawn = fitted(item, room());
    const pixels = Math.max(drawn.width, drawn.height) * scale * devicePixelRatio;
    if (pixels > PREVIEW_PX && Math.max(item.width, item.height) > PREVIEW_PX) setSharp(true);
    onZoom(scale / actualSize(item, room()));
  };
  const zoomBy = (factor: number, at = { x: 0, y: 0 }) =>
    show(zoomedBy(zoom.current, factor, at, item, room()));
  const toggle = (at = { x: 0, y: 0 }) => {
    if (zoom.current.scale > 1) show(FITTED);
    else zoomBy(Math.max(2, actualSize(item, room())), at);
  };
  const fromCentre = ({ clientX, clientY }: { clientX: number; clientY: number }) => {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return { x: 0, y: 0 };
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  };

  const pixelAt: ZoomControl["pixelAt"] = (pointer) =>
    placeUnder(zoom.current, fromCentre(pointer), item, room());

  useImperativeHandle(control, () => ({
    by: (factor) => zoomBy(factor),
    fit: () => show(FITTED),
    toggle: () => toggle(),
    pan: (dx, dy) => show(pannedBy(zoom.current, dx, dy, item, room())),
    pixelAt,
  }));

  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  useEffect(() => {
    wheel.current = (event) => {
      event.preventDefault();
      if (onWheel && !event.ctrlKey) {
        onWheel(event);
        return;
      }
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
      const delta = event.deltaY * lines * (event.ctrlKey ? PINCH : WHEEL);
      zoomBy(Math.exp(-delta), fromCentre(event));
    };
  });
  useEffect(() => {
    const element = frame.current;
    const roll = (event: WheelEvent) => wheel.current(event);
    // React listens passively, and could not keep the page from zooming.
    element?.addEventListener("wheel", roll, { passive: false });
    return () => element?.removeEventListener("wheel", roll);
  }, []);

  // A window of another size has another fit.
  const again = useRef(show);
  useEffect(() => {
    again.current = show;
  });
  useEffect(() => {
    const observer = new ResizeObserver(() => again.current(FITTED));
    if (frame.current) observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);

  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    fingers.current.set(event.pointerId, fromCentre(event));
    if (zoom.current.scale > 1 || fingers.current.size > 1)
      event.currentTarget.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    onPoint?.(pixelAt(event));
    drag(event);
  };
  const drag = (event: PointerEvent) => {
    const before = fingers.current.get(event.pointerId);
    if (!before) return;
    const now = fromCentre(event);
    const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
    fingers.current.set(event.pointerId, now);
    if (other) {
      const apart = Math.hypot(before.x - other.x, before.y - other.y);
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      if (apart > 0) zoomBy(Math.hypot(now.x - other.x, now.y - other.y) / apart, middle);
    } else if (zoom.current.scale > 1)
      show(pannedBy(zoom.current, now.x - before.x, now.y - before.y, item, room()));
  };
  const up = (event: PointerEvent) => fingers.current.delete(event.pointerId);
  const closer = (event: MouseEvent) => {
    event.stopPropagation();
    toggle(fromCentre(event));
  };

  return (
    <div
      ref={frame}
      role="presentation"
      className={styles.frame}
      onPointerDown={down}
      onPointerMove={move}
      onPointerLeave={() => onPoint?.(null)}
      onPointerUp={up}
      onPointerCancel={up}
      onDoubleClick={closer}
    >
      <div ref={content} className={styles.content}>
        {children}
        {sharp && <img className={styles.full} src={item.images.full} alt="" draggable={false} />}
      </div>
    </div>
  );
}
