import type { ReactNode } from "react";

/** Line icons on a grid of 20, drawn for 16-24 px. */
const paths = {
  add: "M10 4v12M4 10h12",
  ask: "M5 17V4m0 .5c3-1.8 6 1.6 10 0v7c-4 1.6-7-1.8-10 0",
  back: "M12 4l-6 6 6 6",
  bolt: "M11 2.5L4.5 11.5H10l-1 6 6.5-9H10z",
  check: "M4 10.5l4 4 8-9",
  chevron: "M5 7.5l5 5 5-5",
  clear: "M5 5l10 10M15 5L5 15",
  edit: "M12.5 4.5l3 3M4 16l.8-3.8 9-9a1 1 0 011.4 0l1.6 1.6a1 1 0 010 1.4l-9 9z",
  download: "M10 3v9m-4-3.5l4 4 4-4M4 16.5h12",
  enlarge: "M11.5 3.5h5v5M16 4l-5 5M8.5 16.5h-5v-5M4 16l5-5",
  file: "M6 3h5l4 4v10H6zM11 3v4h4",
  folder: "M3 6a1 1 0 011-1h4l2 2h6a1 1 0 011 1v7a1 1 0 01-1 1H4a1 1 0 01-1-1z",
  help: "M7.5 7.8a2.5 2.5 0 115 0c0 1.7-2.5 1.8-2.5 3.7m0 2.6v.2",
  image: "M3 4.5h14v11H3zM3 13l4-3.5 3 2.5 3-3 4 4M7 8h.01",
  info: "M10 9.2V14m0-8v.2M17.5 10a7.5 7.5 0 11-15 0 7.5 7.5 0 0115 0z",
  nothing: "M17 10a7 7 0 11-14 0 7 7 0 0114 0zM5 15L15 5",
  pause: "M7 4.5v11M13 4.5v11",
  panel: "M3 4.5h14v11H3zM8 4.5v11",
  play: "M6.5 4.5v11l9-5.5z",
  redo: "M15.5 9H8a4 4 0 000 8h4M15.5 9L12 5.5M15.5 9L12 12.5",
  points: "M5 15L10 5l5 10zM3.8 13.8h2.4v2.4H3.8zM8.8 3.8h2.4v2.4H8.8zM13.8 13.8h2.4v2.4h-2.4z",
  cursor: "M5 3l10.5 7.5-4.7.9L8.4 16z",
  box: "M4 5h12v10H4z",
  extremes: "M4 5h12v10H4zM10 4v2m0 8v2M3 10h2m10 0h2",
  template: "M6 6h8v8H6zM3 3h2m10 0h2M3 17h2m10 0h2M3 3v2m14-2v2M3 17v-2m14 2v-2",
  freehand: "M3 13c2-8 5-8 6-3s3 5 4 1 2-5 4-4M3 13c0 3 3 4 5 2",
  addPart: "M3 7l5-4 5 3-1 6-7 1zM15 12v6m-3-3h6",
  fitShape: "M3 6V3h3m8 0h3v3m0 8v3h-3m-8 0H3v-3M6 11c0-3 2-5 4.5-5S14 8 14 10s-1.5 4-4 4-4-1-4-3z",
  click:
    "M9 9l8 3-3.5 1.5L12 17zM9 2.5V5m-6.5 4H5m-.6-4.6l1.8 1.8m7.4-1.8l-1.8 1.8M4.4 13.6l1.8-1.8",
  cut: "M6.5 5.5a2 2 0 11-4 0 2 2 0 014 0zM6.5 14.5a2 2 0 11-4 0 2 2 0 014 0zM6.2 6.6L17 14M6.2 13.4L17 6",
  split: "M4 6h5v9H4zM12 5h4v9h-4zM10.5 2v16",
  merge: "M3 3h9v5h5v9H8v-5H3zM10 8.5v3m-1.5-1.5h3",
  subtract: "M3 3h9v5H8v4H3zM12 14.5h5",
  simplify: "M3 14l4-8 6 2 4 6M3 14h14",
  untangle:
    "M3 5.5c5 0 9 9 14 9m-3-3l3 3-3 3M3 14.5c2 0 3.5-1.3 5-3m4-4c1.5-1.4 3-2 5-2m-3-3l3 3-3 3",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 016 0V9",
  hide: "M3 10c3-5 11-5 14 0-3 5-11 5-14 0zM4 16L16 4",
  rotateLeft: "M8 9h8.5v7.5H8zM15 4.5h-6A5 5 0 004 9.5V12m-2-2l2 2.2L6 10",
  rotateRight: "M3.5 9H12v7.5H3.5zM5 4.5h6a5 5 0 015 5V12m2-2l-2 2.2L14 10",
  brightness:
    "M10 6.5a3.5 3.5 0 110 7 3.5 3.5 0 010-7zM10 2v2m0 12v2M2 10h2m12 0h2M4.3 4.3l1.4 1.4m8.6 8.6l1.4 1.4m0-11.4l-1.4 1.4m-8.6 8.6l-1.4 1.4",
  duplicate: "M4 4h9v9H4zM7 16h9V7",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 11h7.4l.8-11",
  search: "M9 15A6 6 0 109 3a6 6 0 000 12zm4.3-1.7L17 17",
  signOut: "M8 4H4.5v12H8m4-9.5l3.5 3.5-3.5 3.5M15 10H8",
  skip: "M5 5l6 5-6 5zM14.5 5v10",
  undo: "M4.5 9H12a4 4 0 010 8H8M4.5 9L8 5.5M4.5 9L8 12.5",
  up: "M5 12.5l5-5 5 5",
  upload: "M10 13V4M6 7.5l4-4 4 4M4 16.5h12",
  warning: "M10 3.5l7.5 13h-15zM10 8.5V12m0 2.2v.1",
  zoomIn: "M9 15A6 6 0 109 3a6 6 0 000 12zm4.3-1.7L17 17M9 6.5v5M6.5 9h5",
  zoomOut: "M9 15A6 6 0 109 3a6 6 0 000 12zm4.3-1.7L17 17M6.5 9h5",
  zoomToShape: "M3 7V3.5h4M13 3.5h4V7M17 13v3.5h-4M7 16.5H3V13M7 7h6v6H7z",
  fit: "M3 7V3.5h4M13 3.5h4V7M17 13v3.5h-4M7 16.5H3V13",
  mine: "M10 5.8V10l2.8 1.8M17.5 10a7.5 7.5 0 11-15 0 7.5 7.5 0 0115 0z",
  keys: "M2.5 5.5h15v9h-15zM5.5 8.3h.01m2.99 0h.01m2.99 0h.01m2.99 0h.01M6.5 11.7h7",
  language:
    "M17.5 10a7.5 7.5 0 11-15 0 7.5 7.5 0 0115 0zM2.5 10h15M10 2.5c2.5 2 3.5 4.6 3.5 7.5s-1 5.5-3.5 7.5c-2.5-2-3.5-4.6-3.5-7.5s1-5.5 3.5-7.5z",
  multiclass: "M3.5 9.5v-6h6l7 7-6 6zM6.8 6.8h.01",
  multilabel: "M2.5 9v-5h5l6 6-5 5zM11 4l6.5 6.5-4.5 4.5M5.3 6.8h.01",
  boxes: "M4 4h8v7H4zM9 11v5h8V7h-5",
  polygons: "M4 8l6-4.5L16.5 7 14 15.5H7z",
  layout1: "M3 4h14v12H3z",
  layout4: "M3 4h14v12H3zM10 4v12M3 10h14",
  layout6: "M3 4h14v12H3zM7.7 4v12M12.3 4v12M3 10h14",
  layout9: "M3 4h14v12H3zM7.7 4v12M12.3 4v12M3 8h14M3 12h14",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }): ReactNode {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      focusable="false"
      style={{ flex: "none" }}
    >
      <path d={paths[name]} />
    </svg>
  );
}

export function Logo({ size = 24 }: { size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <rect width="32" height="32" rx="7" fill="#0f6f6a" />
      <path d="M9 8h7l8 8-8 8H9z" fill="#fff" />
      <circle cx="14" cy="16" r="2.5" fill="#0f6f6a" />
    </svg>
  );
}
