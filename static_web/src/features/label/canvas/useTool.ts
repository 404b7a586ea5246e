/** The tool in hand, and what was begun with it before the page was loaded again. */
import { useContext, useMemo, useState } from "react";

import { CHANGING, type ToolId } from "@/annotate/tools/tools";
import type { Draft } from "@/annotate/tools/tool";
import type { Me, Project } from "@/api/types";

import { TrialContext } from "../trial";
import { keepDraft, keptDraft, type KeptDraft } from "./draft";
import { rememberedTool, rememberTool, toolsOf, type ToolCommand } from "./drawing";

export interface Tooling {
  tool: ToolId;
  tools: readonly ToolCommand[];
  /** Null where there is no such tool. */
  take: (wanted: ToolId) => ToolCommand | null;
  kept: KeptDraft | null;
  /** Keeps what is being drawn on a frame of the image. */
  keep: (draft: Draft | null, frame: number) => void;
}

/** @param isEmpty whether there is no shape on the image. */
export function useTool(
  { project_id: projectId, task_type: type, assist }: Project,
  { user }: Me,
  itemId: string | undefined,
  isEmpty: boolean,
): Tooling {
  const [tool, setTool] = useState(() => rememberedTool(type, assist));
  const tools = useMemo(() => toolsOf(type, assist), [type, assist]);
  const trying = useContext(TrialContext) !== null;
  const place = `${user} ${projectId}`;
  const kept = useMemo(() => (trying ? null : keptDraft(place, itemId)), [trying, place, itemId]);
  const [toolOf, setToolOf] = useState(itemId);
  if (toolOf !== itemId) {
    setToolOf(itemId);
    if (kept && tools.some((one) => one.tool === kept.tool)) setTool(kept.tool);
    // A tool that changes shapes means nothing on an image without any.
    else if (CHANGING.has(tool) && isEmpty) setTool(rememberedTool(type, assist));
  }
  const take = (wanted: ToolId): ToolCommand | null => {
    const command = tools.find((one) => one.tool === wanted);
    if (!command) return null;
    rememberTool(type, wanted);
    setTool(wanted);
    return command;
  };
  const keep = (draft: Draft | null, frame: number): void => {
    if (!trying && itemId !== undefined)
      keepDraft(place, draft && { ...draft, itemId, frame, tool });
  };
  return { tool, tools, take, kept, keep };
}
