import type { TaskType } from "@/api/types";

/** Whether images of this type get shapes, so that labelers have the drawing page. */
export function isDrawn(type: TaskType | undefined): boolean {
  return type === "boxes" || type === "polygons";
}
