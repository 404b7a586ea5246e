import { makeStyles, tokens } from "@fluentui/react-components";
import type { CSSProperties, ReactNode } from "react";

import type { LabelClass, Opinion } from "@/api/types";
import { boundsOf } from "@/annotate/geometry";
import { classColor } from "@/classColors";

import { dashOf } from "./answerLines";
import { outline } from "./Shapes";

/** More names than that hide the image: each answer can still be shown alone. */
const MOST_NAMES = 40;

const useStyles = makeStyles({
  frame: {
    position: "absolute",
    inset: 0,
    display: "grid",
    placeItems: "center",
    containerType: "size",
    pointerEvents: "none",
  },
  // Where the image is, which is shown whole in the same frame.
  image: { position: "relative" },
  lines: { position: "absolute", inset: 0, width: "100%", height: "100%", overflow: "visible" },
  line: { fill: "none" },
  name: {
    position: "absolute",
    display: "flex",
    gap: "5px",
    padding: "0 5px",
    borderRadius: "2px",
    borderLeft: "4px solid",
    fontSize: "12px",
    lineHeight: "18px",
    whiteSpace: "nowrap",
    color: "#fff",
    backgroundColor: "rgba(0, 0, 0, 0.8)",
  },
  number: { fontWeight: 700 },
  mark: { verticalAlign: "middle", margin: "0 6px 0 4px", color: tokens.colorNeutralForeground1 },
});

interface Props {
  answers: readonly Opinion[];
  classes: readonly LabelClass[];
  /** Of the upright image, in pixels. */
  width: number;
  height: number;
}

/**
 * The shapes of several people over an image: what all drew is faint, the rest is each one's own, by its
 * line and with its class and the number of the answer.
 */
export function Answers({ answers, classes, width, height }: Props): ReactNode {
  const styles = useStyles();
  if (!width || !height) return null;
  const known = new Map(classes.map((one) => [one.class_id, one]));
  const drawn = answers.flatMap(({ labeler, annotations, shared }, place) =>
    annotations.flatMap(({ annotation_id: id, class_id: classId, geometry }) =>
      geometry.kind === "tag"
        ? []
        : {
            key: `${labeler} ${id}`,
            path: outline(geometry, width, height),
            same: shared.includes(id),
            name: lastPart(known.get(classId)?.name ?? classId),
            color: classColor(known.get(classId)?.colour ?? 0).color,
            place,
            at: whereOf(boundsOf(geometry), place),
          },
    ),
  );
  const differing = drawn.filter((one) => !one.same);
  // What differs lies above what does not.
  const inOrder = [...drawn.filter((one) => one.same), ...differing];
  return (
    <div className={styles.frame} aria-hidden>
      <div
        className={styles.image}
        style={{
          width: `min(100cqw, ${(100 * width) / height}cqh)`,
          aspectRatio: `${width} / ${height}`,
        }}
      >
        <svg viewBox={`0 0 ${width} ${height}`} className={styles.lines} focusable="false">
          {inOrder.map(({ key, path, same, color, place }) => (
            <g key={key} data-testid={same ? "same" : "differs"} strokeLinejoin="round">
              <path
                d={path}
                className={styles.line}
                stroke="#000"
                strokeOpacity={same ? 0.3 : 0.6}
                strokeWidth={same ? 2 : 5}
                vectorEffect="non-scaling-stroke"
              />
              <path
                d={path}
                className={styles.line}
                stroke={same ? "#fff" : color}
                strokeOpacity={same ? 0.6 : 1}
                strokeWidth={same ? 1 : 3}
                strokeDasharray={same ? "none" : dashOf(place)}
                vectorEffect="non-scaling-stroke"
              />
            </g>
          ))}
        </svg>
        {differing.length <= MOST_NAMES &&
          differing.map(({ key, name, color, place, at }) => (
            <span
              key={key}
              className={styles.name}
              style={{ ...at, borderLeftColor: color }}
              data-testid="difference"
            >
              <span className={styles.number}>{place + 1}</span>
              {name}
            </span>
          ))}
      </div>
    </div>
  );
}

/** The line of an answer, to be found in the image. */
export function AnswerLine({ place }: { place: number }): ReactNode {
  const styles = useStyles();
  return (
    <svg width="44" height="6" className={styles.mark} aria-hidden focusable="false">
      <path d="M0 3H44" stroke="currentColor" strokeWidth={3} strokeDasharray={dashOf(place)} />
    </svg>
  );
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** Each answer's names stand at a side of their own, so that those of one thing can be read together. */
function whereOf(
  { x0, y0, x1, y1 }: { x0: number; y0: number; x1: number; y1: number },
  place: number,
): CSSProperties {
  const percent = (share: number) => `${100 * share}%`;
  const moved = (x: string, y: string) => ({ transform: `translate(${x}, ${y})` });
  // Within the image where there is no room beside it.
  const above = y0 < 0.04 ? "0" : "-100%";
  const below = y1 > 0.96 ? "-100%" : "0";
  const right = x1 > 0.85 ? "-100%" : "0";
  const left = x0 < 0.15 ? "0" : "-100%";
  switch (place) {
    case 0:
      return { left: percent(x0), top: percent(y0), ...moved("0", above) };
    case 1:
      return { left: percent(x1), top: percent(y0), ...moved(right, "0") };
    case 2:
      return { left: percent(x0), top: percent(y1), ...moved("0", below) };
    case 3:
      return { left: percent(x1), top: percent(y1), ...moved(right, "-100%") };
    default:
      return { left: percent(x0), top: percent((y0 + y1) / 2), ...moved(left, "-50%") };
  }
}
