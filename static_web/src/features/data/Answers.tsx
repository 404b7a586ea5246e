import { makeStyles } from "@fluentui/react-components";
import type { ReactNode } from "react";

import type { Opinion } from "@/api/types";

import { answerMark, type AnswerMark } from "./answerMarks";
import { outline } from "./Shapes";

const useStyles = makeStyles({
  root: { position: "absolute", inset: 0, width: "100%", height: "100%", pointerEvents: "none" },
  line: { fill: "none" },
  mark: { verticalAlign: "middle", marginRight: "6px" },
});

interface Props {
  answers: readonly Opinion[];
  /** Of the upright image, in pixels. */
  width: number;
  height: number;
}

/** The shapes of several people over an image: what all drew is faint, the rest is each one's own. */
export function Answers({ answers, width, height }: Props): ReactNode {
  const styles = useStyles();
  if (!width || !height) return null;
  const drawn = answers.flatMap(({ labeler, annotations, shared }, place) =>
    annotations.map((one) => ({
      key: `${labeler} ${one.annotation_id}`,
      path: outline(one.geometry, width, height),
      same: shared.includes(one.annotation_id),
      mark: answerMark(place),
    })),
  );
  // What differs lies above what does not.
  const inOrder = [...drawn.filter((one) => one.same), ...drawn.filter((one) => !one.same)];
  return (
    <svg viewBox={`0 0 ${width} ${height}`} className={styles.root} aria-hidden focusable="false">
      {inOrder
        .filter((one) => one.path)
        .map(({ key, path, same, mark }) => (
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
              stroke={same ? "#fff" : mark.color}
              strokeOpacity={same ? 0.5 : 1}
              strokeWidth={same ? 1 : 3}
              strokeDasharray={same ? "none" : mark.dash}
              vectorEffect="non-scaling-stroke"
            />
          </g>
        ))}
    </svg>
  );
}

/** The line of an answer, to be found in the image. */
export function AnswerLine({ mark }: { mark: AnswerMark }): ReactNode {
  const styles = useStyles();
  return (
    <svg width="32" height="8" className={styles.mark} aria-hidden focusable="false">
      <path d="M0 4H32" stroke="#000" strokeOpacity={0.6} strokeWidth={5} />
      <path d="M0 4H32" stroke={mark.color} strokeWidth={3} strokeDasharray={mark.dash} />
    </svg>
  );
}
