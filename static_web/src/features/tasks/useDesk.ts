import { useEffect, useRef, useState, useSyncExternalStore } from "react";

import type { Project } from "@/api/types";

import { taskCalls } from "./calls";
import { openDesk, type Desk, type DeskState } from "./desk";

/** Opens the desk while the page is shown; sends what is unsent when it is hidden or left. */
export function useDesk(project: Project, size: number): { desk: Desk; state: DeskState } | null {
  const [desk, setDesk] = useState<Desk | null>(null);
  const { project_id: projectId, task_type: type, classes_version: classesVersion } = project;
  const latest = useRef({ size, classesVersion });
  useEffect(() => {
    latest.current = { size, classesVersion };
    desk?.setSize(size);
  }, [desk, size, classesVersion]);
  useEffect(() => {
    const opened = openDesk(
      taskCalls(projectId),
      { many: type === "multilabel", classesVersion: latest.current.classesVersion },
      latest.current.size,
    );
    const hide = () => {
      if (document.visibilityState === "hidden") opened.leave();
    };
    document.addEventListener("visibilitychange", hide);
    window.addEventListener("pagehide", opened.leave);
    setDesk(opened);
    return () => {
      document.removeEventListener("visibilitychange", hide);
      window.removeEventListener("pagehide", opened.leave);
      opened.leave();
      opened.close();
      setDesk(null);
    };
  }, [projectId, type]);
  const state = useSyncExternalStore(desk?.subscribe ?? nothingToHear, () => desk?.state() ?? null);
  return desk && state && { desk, state };
}

const nothingToHear = () => () => undefined;
