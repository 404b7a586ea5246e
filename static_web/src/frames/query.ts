/** Frames of TIFF and DICOM images as the API gives them: decoded where nobody has asked for them before. */
import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import type { FrameView, SignAnswer, TaskItem } from "@/api/types";

/** Media whose originals browsers show. */
const SHOWN_BY_BROWSERS: ReadonlySet<string> = new Set(["jpeg", "png", "bmp"]);
/** Links are good for an hour at least. */
const LINKS_LAST_MS = 50 * 60_000;

export function isFramed({ media }: TaskItem): boolean {
  return !SHOWN_BY_BROWSERS.has(media);
}

let asked: Promise<unknown> = Promise.resolve();

/** One after another; what nobody wants any more when its turn comes is left out: a slider passes hundreds. */
function inTurn<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const answer = asked.then(() => {
    signal.throwIfAborted();
    return ask();
  });
  asked = answer.catch(() => undefined);
  return answer;
}

export function frameQuery(
  projectId: string,
  itemId: string,
  taskId: string | null,
  frame: number,
) {
  return queryOptions({
    queryKey: ["frame", projectId, itemId, frame],
    staleTime: LINKS_LAST_MS,
    queryFn: ({ signal }): Promise<FrameView | null> =>
      inTurn(signal, async () => {
        const answer = api.POST("/api/projects/{project_id}/images", {
          params: { path: { project_id: projectId } },
          body: { item_ids: [itemId], task_id: taskId, frame },
        });
        const { frames } = (await unwrap(answer)) as SignAnswer;
        return frames[itemId] ?? null;
      }),
  });
}
