/** How much of what the API keeps of one image its labels need: it is to be said before they are submitted. */
import { useEffect, useState } from "react";

import type { Annotation, Me } from "@/api/types";

/** From here on it is worth saying. */
export const NEARLY_FULL = 0.9;
/** Labels that can't need more than this share, by their number of points, are not measured. */
const MEASURED_FROM = 0.3;
const BYTES_A_POINT = 20;
const BYTES_A_SHAPE = 60;
const MEASURE_AFTER_MS = 400;

type Limits = Pick<Me, "max_annotations" | "max_labels_bytes">;

/** Of the room for one image that annotations need, as the API counts it; more than 1 is refused. */
export async function shareOfRoom(
  annotations: readonly Annotation[],
  limits: Limits,
): Promise<number> {
  const count = annotations.length / limits.max_annotations;
  if (atMost(annotations) / limits.max_labels_bytes < MEASURED_FROM) return count;
  const squeezed = new Blob([JSON.stringify(annotations)])
    .stream()
    .pipeThrough(new CompressionStream("deflate"));
  const { byteLength } = await new Response(squeezed).arrayBuffer();
  return Math.max(count, byteLength / limits.max_labels_bytes);
}

/** The same of what is on a page, a moment after it was changed; 0 while it is not known. */
export function useRoom(annotations: readonly Annotation[], limits: Limits): number {
  const [share, setShare] = useState(0);
  const { max_annotations, max_labels_bytes } = limits;
  useEffect(() => {
    let isLatest = true;
    const timer = setTimeout(() => {
      void shareOfRoom(annotations, { max_annotations, max_labels_bytes }).then((found) => {
        if (isLatest) setShare(found);
      });
    }, MEASURE_AFTER_MS);
    return () => {
      isLatest = false;
      clearTimeout(timer);
    };
  }, [annotations, max_annotations, max_labels_bytes]);
  return share;
}

function atMost(annotations: readonly Annotation[]): number {
  let bytes = annotations.length * BYTES_A_SHAPE;
  for (const { geometry } of annotations)
    if (geometry.kind === "polygon")
      for (const { outer, holes } of geometry.parts)
        for (const ring of [outer, ...holes]) bytes += ring.length * BYTES_A_POINT;
  return bytes;
}
