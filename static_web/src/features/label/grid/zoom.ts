/** Looking closer at a picture that is fitted into a frame. All lengths in CSS pixels. */

export interface Zoom {
  /** 1: fitted. */
  scale: number;
  /** From the centre of the frame to that of the picture. */
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export const FITTED: Zoom = { scale: 1, x: 0, y: 0 };

const PIXELS_A_DOT = 8; // closer shows nothing more
const CLOSEST_AT_LEAST = 4;

/** How large the fitted picture is drawn. */
export function fitted(picture: Size, frame: Size): Size {
  const ratio = Math.min(frame.width / picture.width, frame.height / picture.height);
  return { width: picture.width * ratio, height: picture.height * ratio };
}

/** The scale at which a pixel of the picture is one of the screen. */
export function actualSize(picture: Size, frame: Size): number {
  return picture.width / fitted(picture, frame).width;
}

/** Zooms by a factor; the place under `at`, counted from the centre of the frame, stays where it is. */
export function zoomedBy(
  zoom: Zoom,
  factor: number,
  at: { x: number; y: number },
  picture: Size,
  frame: Size,
): Zoom {
  const closest = Math.max(CLOSEST_AT_LEAST, PIXELS_A_DOT * actualSize(picture, frame));
  const scale = Math.min(Math.max(zoom.scale * factor, 1), closest);
  const by = scale / zoom.scale;
  const moved = { scale, x: at.x - (at.x - zoom.x) * by, y: at.y - (at.y - zoom.y) * by };
  return within(moved, picture, frame);
}

export function pannedBy(zoom: Zoom, dx: number, dy: number, picture: Size, frame: Size): Zoom {
  return within({ ...zoom, x: zoom.x + dx, y: zoom.y + dy }, picture, frame);
}

/** The place of a picture under `at`, which is counted from the centre of the frame; beside it, outside its size. */
export function placeUnder(
  zoom: Zoom,
  at: { x: number; y: number },
  picture: Size,
  frame: Size,
): readonly [number, number] {
  const drawn = fitted(picture, frame);
  const along = (offset: number, moved: number, length: number) =>
    (offset - moved) / zoom.scale / length + 0.5;
  return [
    along(at.x, zoom.x, drawn.width) * picture.width,
    along(at.y, zoom.y, drawn.height) * picture.height,
  ];
}

/** The picture covers the frame, or is in the middle of it where it is smaller. */
function within(zoom: Zoom, picture: Size, frame: Size): Zoom {
  const drawn = fitted(picture, frame);
  const clamp = (offset: number, size: number, room: number) => {
    const most = Math.max((size * zoom.scale - room) / 2, 0);
    return Math.min(Math.max(offset, -most), most);
  };
  return {
    scale: zoom.scale,
    x: clamp(zoom.x, drawn.width, frame.width),
    y: clamp(zoom.y, drawn.height, frame.height),
  };
}
