/** What clicks at an image outline: asked of a worker, which is there only once somebody wants it. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";

import { boundsOf, boxOf, type Polygon } from "@/annotate/geometry";
import type { Click, Proposal } from "@/annotate/tools/tool";
import { api, ApiError, unwrap } from "@/api/client";
import type { TaskItem, TaskType } from "@/api/types";

import type { Answer, Question } from "./question";

/** Links are good for an hour at least. */
const LINKS_LAST_MS = 50 * 60_000;

/** `missing`: the image was not prepared; `failed`: it could not be fetched, or the model does not run here. */
export type ClickState = "off" | "loading" | "ready" | "missing" | "failed";

export interface Clicks {
  state: ClickState;
  proposal: Proposal | null;
  /** Whether something was clicked at that is neither taken nor given up. */
  asking: boolean;
  ask: (clicks: readonly Click[]) => void;
}

const clicksQuery = (projectId: string, itemId: string, taskId: string | null) =>
  queryOptions({
    queryKey: ["clicks", projectId, itemId],
    queryFn: async () => {
      try {
        return await unwrap(
          api.POST("/api/projects/{project_id}/clicks", {
            params: { path: { project_id: projectId } },
            body: { item_ids: [itemId], task_id: taskId },
          }),
        );
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
    staleTime: LINKS_LAST_MS,
  });

/**
 * @param wanted whether the tool is in hand; before, nothing is fetched.
 */
export function useClicks(
  projectId: string,
  type: TaskType,
  item: TaskItem | undefined,
  taskId: string | null,
  wanted: boolean,
): Clicks {
  const itemId = item?.item_id ?? "";
  const query = useQuery({
    ...clicksQuery(projectId, itemId, taskId),
    enabled: wanted && itemId !== "",
  });
  const links = query.data;
  const url = links?.images[itemId] ?? "";
  const key = url.split("?")[0] ?? "";
  const [loaded, setLoaded] = useState({ key: "", ready: false });
  const [askingOf, setAskingOf] = useState("");
  const [outlined, setOutlined] = useState<{ clicks: readonly Click[]; area: Polygon | null }>();
  const asked = useRef<{ number: number; clicks: readonly Click[] }>({ number: 0, clicks: [] });

  const worker = useRef<Worker>(null);
  const heard = useCallback((answer: Answer): void => {
    if (answer.type === "outlined") {
      if (answer.number === asked.current.number)
        setOutlined({ clicks: asked.current.clicks, area: answer.area });
      return;
    }
    const ready = answer.type === "ready";
    setLoaded({ key: answer.key, ready });
    // What was clicked at before the image was there.
    if (ready && asked.current.clicks.length)
      worker.current?.postMessage({ type: "ask", key: answer.key, ...asked.current });
  }, []);
  useEffect(() => {
    if (!wanted) return;
    const made = new Worker(new URL("./decoder.ts", import.meta.url), { type: "module" });
    made.onmessage = ({ data }: MessageEvent<Answer>) => heard(data);
    worker.current = made;
    return () => {
      made.terminate();
      worker.current = null;
      setLoaded({ key: "", ready: false });
    };
  }, [wanted, heard]);
  const width = item?.width ?? 0;
  const height = item?.height ?? 0;
  useEffect(() => {
    if (!wanted || !links || !url) return;
    const { decoder, model } = links;
    const question: Question = { type: "load", key, url, decoder, model, size: { width, height } };
    worker.current?.postMessage(question);
  }, [wanted, links, url, key, width, height]);

  useEffect(() => {
    asked.current = { number: asked.current.number + 1, clicks: [] };
  }, [itemId]);

  const ask = useCallback(
    (clicks: readonly Click[]): void => {
      const number = asked.current.number + 1;
      asked.current = { number, clicks };
      setAskingOf(clicks.length ? itemId : "");
      if (!clicks.length) setOutlined(undefined);
      else worker.current?.postMessage({ type: "ask", key, number, clicks } satisfies Question);
    },
    [key, itemId],
  );

  const failed = query.isError || (loaded.key === key && key !== "" && !loaded.ready);
  const state = !wanted
    ? "off"
    : failed
      ? "failed"
      : query.isSuccess && !url
        ? "missing"
        : loaded.key === key && key !== ""
          ? "ready"
          : "loading";
  const proposal = outlined
    ? {
        ...outlined,
        shape: outlined.area && type === "boxes" ? boxOf(boundsOf(outlined.area)) : outlined.area,
      }
    : null;
  return { state, proposal, asking: wanted && askingOf === itemId && itemId !== "", ask };
}
