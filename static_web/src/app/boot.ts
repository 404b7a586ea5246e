/**
 * The first code of the app, small enough to be there at once: asks for everything the first page needs
 * at the same time, rather than each when the one before it has come.
 */
import { askEarly, claimEarly, isAwaited } from "@/api/early";
import type { Project, Task } from "@/api/types";
import { openDatabaseEarly } from "@/features/label/session/database";
import { rememberedLayout } from "@/features/label/grid/layouts";
import { loadTexts, preferred } from "@/i18n/texts";
import { isDrawn } from "@/taskTypes";

void import("@/main");
void loadTexts(preferred());
void askEarly("/api/me");

const labeling = /^\/projects\/([^/]+)\/label$/.exec(window.location.pathname);
if (labeling) {
  openDatabaseEarly();
  // What fails here is asked for again, and told, by the page.
  beginLabeling(`/api/projects/${labeling[1]}`).catch(() => undefined);
}

/** Fetches the drawing editor where it is needed, and claims a page where none is open. */
async function beginLabeling(path: string): Promise<void> {
  const open = `${path}/tasks?mine=true&state=open`;
  const asked = [askEarly(path), askEarly(open)] as const;
  const project = (await (await asked[0]).clone().json()) as Partial<Project>;
  const draws = isDrawn(project.task_type);
  if (draws) import("@/features/label/canvas/CanvasStage").catch(() => undefined);
  const { items } = (await (await asked[1]).clone().json()) as { items?: Task[] };
  const asksItself = !isAwaited(open); // the app was quicker
  if (project.state === "running" && items?.length === 0 && !asksItself)
    claimEarly(`${path}/tasks`, draws ? 1 : rememberedLayout());
}
