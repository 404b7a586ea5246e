import { useQuery } from "@tanstack/react-query";
import {
  useContext,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";

import { leftIn, progressQuery } from "@/api/queries";
import type { Project } from "@/api/types";

import { taskCalls } from "./session/calls";
import { openDesk, type Desk, type DeskState } from "./session/desk";
import { openJournal } from "./session/journal";
import { submitted } from "./session/session";
import { TrialContext } from "./trial";

/** What says that somebody is there. */
const SIGNS = ["pointermove", "pointerdown", "keydown", "wheel"] as const;

const PROGRESS_EVERY_MS = 30_000;

/** Opens the desk while the page is shown; sends what is unsent when it is hidden or left. */
export function useDesk(
  project: Project,
  userId: string,
  size: number,
): { desk: Desk; state: DeskState } | null {
  const trial = useContext(TrialContext);
  const [desk, setDesk] = useState<Desk | null>(null);
  const { project_id: projectId, task_type: type, classes_version: classesVersion } = project;
  const many = type === "multilabel";
  const latest = useRef({ size, classesVersion });
  useEffect(() => {
    latest.current = { size, classesVersion };
    desk?.setSize(size);
    desk?.setRules({ many, classesVersion });
  }, [desk, size, many, classesVersion]);
  // Before the page is painted for the first time: its images need not wait for that.
  useLayoutEffect(() => {
    const opened = openDesk({
      ...(trial?.(projectId) ?? {
        calls: taskCalls(projectId),
        journal: openJournal(userId, projectId),
      }),
      rules: { many, classesVersion: latest.current.classesVersion },
      size: latest.current.size,
      // Who tries the page takes nobody's turn.
      turn: `labelry ${userId} ${projectId}${trial ? " trial" : ""}`,
    });
    const hide = () => {
      if (document.visibilityState === "hidden") opened.leave(false);
    };
    const go = (event: PageTransitionEvent) => opened.leave(!event.persisted);
    document.addEventListener("visibilitychange", hide);
    window.addEventListener("pagehide", go);
    for (const sign of SIGNS) window.addEventListener(sign, opened.touch, { passive: true });
    setDesk(opened);
    return () => {
      document.removeEventListener("visibilitychange", hide);
      window.removeEventListener("pagehide", go);
      for (const sign of SIGNS) window.removeEventListener(sign, opened.touch);
      opened.leave(false);
      opened.close();
      setDesk(null);
    };
  }, [projectId, userId, many, trial]);
  const state = useSyncExternalStore(desk?.subscribe ?? nothingToHear, () => desk?.state() ?? null);
  return desk && state && { desk, state };
}

/**
 * How many images of the project nobody has decided about: by the last count of the API, less what was
 * submitted here since. Not asked for before there are images, or none: they are waited for.
 */
export function useLeft(project: Project, state: DeskState | undefined): number | undefined {
  const enabled = Boolean(state && (state.session.pages.length || state.why));
  const { data, dataUpdatedAt } = useQuery({
    ...progressQuery(project.project_id, PROGRESS_EVERY_MS),
    enabled,
  });
  const session = state?.session;
  const saved = session?.saved ?? 0;
  const [counted, setCounted] = useState({ at: 0, saved: 0 });
  if (counted.at !== dataUpdatedAt) setCounted({ at: dataUpdatedAt, saved });
  return data && session && Math.max(leftIn(data) - (submitted(session) - counted.saved), 0);
}

const nothingToHear = () => () => undefined;
