/** What the drawing page makes of a session's work: shapes, which of them are suggestions, and the tools. */
import type { Suggestion as Look } from "@/annotate/render/look";
import { CHANGING, type ToolId } from "@/annotate/tools/tools";
import type { Annotation, AssistSettings, TaskItem, TaskType } from "@/api/types";
import type { CommandId } from "@/keys/commands";
import type { IconName } from "@/ui/Icon";

import type { Work } from "../session/session";

/** The image as it is. */
export const PLAIN = { brightness: 1, contrast: 1 };
/** How much brighter, or less bright, an image can be shown. */
export const LIGHT_MOST = 4;

/** So that the image as it is can be found again by slider and by steps. */
export function rounded(light: number): number {
  return Math.abs(light - 1) < 0.01 ? 1 : light;
}

export interface ToolCommand {
  tool: ToolId;
  id: CommandId;
  icon: IconName;
}

const SELECT: ToolCommand = { tool: "select", id: "select", icon: "cursor" };

const RECTANGLE: ToolCommand = { tool: "rectangle", id: "rectangle", icon: "box" };
const CLICK: ToolCommand = { tool: "click", id: "clickOutline", icon: "click" };

/** What of a project's assist the tools are about. */
type Assisting = Pick<AssistSettings, "on" | "clicks">;

const ALL: Assisting = { on: true, clicks: true };

/**
 * The tools of a kind of project, in the order of the column; the second is in hand at first. With a model, a rectangle
 * may become the outline of what is in it.
 */
export function toolsOf(type: TaskType, { on, clicks }: Assisting): readonly ToolCommand[] {
  const more = clicks ? [CLICK] : [];
  if (type === "boxes")
    return [
      SELECT,
      { tool: "box", id: "rectangle", icon: "box" },
      { tool: "extreme", id: "extremes", icon: "extremes" },
      { tool: "template", id: "template", icon: "template" },
      ...more,
    ];
  return [
    SELECT,
    { tool: "polygon", id: "polygon", icon: "polygons" },
    { tool: "points", id: "editPoints", icon: "points" },
    { tool: "freehand", id: "freehand", icon: "freehand" },
    { tool: "add", id: "addPart", icon: "addPart" },
    { tool: "cut", id: "cut", icon: "cut" },
    { tool: "split", id: "split", icon: "split" },
    ...(on ? [RECTANGLE] : []),
    ...more,
  ];
}

/** What can be done with polygons alone. */
export const outlineCommands = ["merge", "subtract", "simplify", "untangle"] as const;

/** Commands of the drawing page that there are not for a kind of project. */
export function notOf(type: TaskType, assist: Assisting): ReadonlySet<CommandId> {
  const all = (["boxes", "polygons"] as const).flatMap((one) => toolsOf(one, ALL));
  const here = new Set(toolsOf(type, assist).map((one) => one.id));
  const ids: CommandId[] = [
    ...all.map((one) => one.id),
    ...(type === "boxes" ? outlineCommands : []),
    ...(assist.on ? [] : (["fitShape"] as const)),
  ];
  return new Set(ids.filter((id) => !here.has(id)));
}

const REMEMBERED = "labelry.tool.";

export function rememberedTool(type: TaskType, assist: Assisting): ToolId {
  const tools = toolsOf(type, assist);
  const kept = localStorage.getItem(REMEMBERED + type);
  return (
    tools.find((one) => one.tool === kept && !CHANGING.has(one.tool))?.tool ??
    tools[1]?.tool ??
    "select"
  );
}

/** Where there is nothing to change, a tool that changes shapes would be in the way. */
export function rememberTool(type: TaskType, tool: ToolId): void {
  if (!CHANGING.has(tool)) localStorage.setItem(REMEMBERED + type, tool);
}

/** Of each shape that began as a suggestion: how sure the run was, and whether a person has changed or taken it. */
export function suggestionsOf(
  item: TaskItem,
  work: Work | undefined,
  shapes: readonly Annotation[],
): ReadonlyMap<string, Look> {
  const suggested = new Map(item.prelabel?.annotations.map((one) => [one.annotation_id, one]));
  const taken = new Set(work?.accepted);
  return new Map(
    shapes.flatMap((shape): [string, Look][] => {
      const source = suggested.get(shape.origin?.prelabel ?? "");
      if (!source) return [];
      const touched =
        taken.has(shape.annotation_id) ||
        shape.class_id !== source.class_id ||
        !isSame(shape.geometry, source.geometry) ||
        !isSame(shape.attributes, source.attributes);
      return [[shape.annotation_id, { confidence: source.confidence ?? 1, touched }]];
    }),
  );
}

/** Most are the very same object: what nobody touched is passed on as it came. */
function isSame(one: object, other: object): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
