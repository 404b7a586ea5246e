import { makeStyles } from "@fluentui/react-components";
import type { ReactNode } from "react";

import type { Annotation, LabelClass } from "@/api/types";
import { classColor } from "@/classColors";

const useStyles = makeStyles({
  root: { position: "absolute", inset: 0, width: "100%", height: "100%", pointerEvents: "none" },
  under: { fill: "none", stroke: "#000", strokeOpacity: 0.6 },
  line: { fillOpacity: 0.12 },
});

interface Props {
  annotations: readonly Annotation[];
  classes: readonly LabelClass[];
  /** Of the upright image, in pixels. */
  width: number;
  height: number;
  /** Of the lines, in pixels of the screen. */
  stroke?: number;
}

/** Boxes and polygons where they were drawn, over an image that is shown whole in the same frame. */
export function Shapes({ annotations, classes, width, height, stroke = 1.5 }: Props): ReactNode {
  const styles = useStyles();
  const colours = new Map(classes.map((one) => [one.class_id, one.colour]));
  const drawn = annotations.flatMap((one) => {
    const path = outline(one.geometry, width, height);
    return path ? [{ ...one, path, color: classColor(colours.get(one.class_id) ?? 0).color }] : [];
  });
  if (!drawn.length || !width || !height) return null;
  return (
    <svg viewBox={`0 0 ${width} ${height}`} className={styles.root} aria-hidden focusable="false">
      {drawn.map(({ annotation_id: id, path, color }) => (
        <g key={id} fillRule="evenodd" strokeLinejoin="round">
          <path
            d={path}
            className={styles.under}
            strokeWidth={2 * stroke}
            vectorEffect="non-scaling-stroke"
          />
          <path
            d={path}
            className={styles.line}
            fill={color}
            stroke={color}
            strokeWidth={stroke}
            vectorEffect="non-scaling-stroke"
          />
        </g>
      ))}
    </svg>
  );
}

/** In pixels of the image; empty for a tag, which is of all of it. */
export function outline(geometry: Annotation["geometry"], width: number, height: number): string {
  switch (geometry.kind) {
    case "box": {
      const { x0, y0, x1, y1 } = geometry;
      return `M${x0 * width} ${y0 * height}H${x1 * width}V${y1 * height}H${x0 * width}Z`;
    }
    case "polygon":
      return geometry.parts
        .flatMap((part) => [part.outer, ...part.holes])
        .map((ring) => `M${ring.map(([x, y]) => `${x * width} ${y * height}`).join("L")}Z`)
        .join("");
    default:
      return "";
  }
}
