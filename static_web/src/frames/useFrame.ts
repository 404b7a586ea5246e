/** A frame of an image that is looked at and not drawn on: shown as the server shows it. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import type { FrameView, TaskItem } from "@/api/types";

import { frameQuery } from "./query";

/** Null for the first frame, whose copies the item has, and until it is there. */
export function useFrame(
  projectId: string,
  taskId: string | null,
  item: TaskItem,
  frame: number,
): FrameView | null {
  const { item_id: itemId, frames } = item;
  const { data } = useQuery({
    ...frameQuery(projectId, itemId, taskId, frame),
    enabled: frame > 0,
  });
  const client = useQueryClient();
  useEffect(() => {
    if (!data || frame + 1 >= frames) return;
    void client.query(frameQuery(projectId, itemId, taskId, frame + 1)).then(
      (next) => {
        if (next?.url) new Image().src = next.url;
      },
      () => undefined,
    );
  }, [client, projectId, taskId, itemId, frame, frames, data]);
  return frame > 0 ? (data ?? null) : null;
}
