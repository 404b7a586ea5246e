/** How shapes look: colour by class, number and name beside, dashes for what was suggested. */
import type { Annotation } from "@/api/types";
import { classColor } from "@/classColors";

/** What is known of an annotation that began as a suggestion. */
export interface Suggestion {
  /** In [0, 1]. */
  confidence: number;
  /** Changed or accepted by a person: drawn like any other. */
  touched: boolean;
}

export interface ClassLook {
  color: string;
  name: string;
  dash: readonly number[];
}

/** Every line is drawn twice, so that it shows on any picture: colour within black. */
export const LINE_PX = 1.5;
export const EDGE_PX = 3;
export const EDGE = "rgb(0 0 0 / 0.6)";

export const STRONG_LINE_PX = 2.5;
export const STRONG_EDGE_PX = 5;

const SUGGESTED: readonly number[] = [6, 4];
/** The colours come round again after twelve classes. */
const SECOND_ROUND: readonly number[] = [14, 3, 2, 3];

const UNKNOWN: ClassLook = { color: "white", name: "?", dash: [] };

export interface Looks {
  of(classId: string): ClassLook;
  dashOf(annotation: Annotation): readonly number[];
  /** Number, class and, while it is only a suggestion, how sure the model was. */
  caption(annotation: Annotation, index: number): string;
}

export function looks(
  classes: readonly { class_id: string; name: string; colour: number }[],
  suggestions: ReadonlyMap<string, Suggestion>,
  percent: (share: number) => string,
): Looks {
  const byId = new Map<string, ClassLook>(
    classes.map(({ class_id, name, colour }) => {
      const { color, dashed } = classColor(colour);
      // The last part of the path: on the picture room is scarce.
      return [
        class_id,
        { color, name: name.slice(name.lastIndexOf("/") + 1), dash: dashed ? SECOND_ROUND : [] },
      ];
    }),
  );
  const of = (classId: string): ClassLook => byId.get(classId) ?? UNKNOWN;
  const open = (id: string): Suggestion | null => {
    const suggestion = suggestions.get(id);
    return suggestion && !suggestion.touched ? suggestion : null;
  };
  return {
    of,
    dashOf: (one) => (open(one.annotation_id) ? SUGGESTED : of(one.class_id).dash),
    caption: (one, index) => {
      const suggestion = open(one.annotation_id);
      const sure = suggestion ? ` ${percent(suggestion.confidence)}` : "";
      return `${index + 1} ${of(one.class_id).name}${sure}`;
    },
  };
}
