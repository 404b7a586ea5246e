import { createContext } from "react";

import type { TaskCalls } from "./session/calls";
import type { Journal } from "./session/journal";

/** What a labeling page works on instead of the API and the browser's journal, where it is only tried. */
export interface Trial {
  calls: TaskCalls;
  journal: Journal;
}

export const TrialContext = createContext<((projectId: string) => Trial) | null>(null);
