/** A labeling page to be tried: images come as they do, and what is done with them goes nowhere. */
import { api, ApiError, unwrap } from "@/api/client";
import type { ImageLinks, ItemLine, Task, TaskItem } from "@/api/types";
import type { Trial } from "@/features/label/trial";

const LEASE_MS = 365 * 24 * 3_600_000; // it does not end

export function openTrial(projectId: string): Trial {
  const tasks = new Map<string, Task>();
  const links = new Map<string, ImageLinks>();
  let cursor: string | null = "";
  let made = 0;

  const task = (items: TaskItem[], kind: Task["kind"]): Task => {
    const taskId = `trial-${(made += 1)}`;
    const one: Task = {
      task_id: taskId,
      kind,
      state: "open",
      classes_version: 1,
      instructions_version: 1,
      lease: {
        until: new Date(Date.now() + LEASE_MS).toISOString(),
        renew_after_s: LEASE_MS / 1000,
      },
      draft_seq: 0,
      items,
    };
    tasks.set(taskId, one);
    return one;
  };
  const answer = (one: Task | null) => ({
    task: one,
    why: one ? null : ("none_left" as const),
    retry_after_s: null,
    open_tasks: [],
    look_again: false,
  });

  /** The next images that can be shown, whatever became of them; null at the end. */
  const take = async (size: number): Promise<ItemLine[]> => {
    const found: ItemLine[] = [];
    while (cursor !== null && found.length < size) {
      const query = { limit: size - found.length, ...(cursor && { cursor }) };
      const page = await unwrap(
        api.GET("/api/projects/{project_id}/items", {
          params: { path: { project_id: projectId }, query },
        }),
      );
      found.push(...page.items.filter((one) => one.width > 0 && one.state !== "unreadable"));
      cursor = page.next_cursor;
    }
    return found;
  };
  return {
    calls: {
      open: () => Promise.resolve([]),
      claimed: () => undefined,
      dropEarly: () => undefined,
      next: async (_, size) => {
        const items = await take(size);
        for (const one of items) links.set(one.item_id, one.images);
        return answer(items.length ? task(items.map(asNew), "manual") : null);
      },
      submit: (_, { items }) =>
        Promise.resolve({
          task_state: "closed",
          results: items.map((one) => ({
            item_id: one.item_id,
            status: "saved",
            revision: 1,
            by: null,
            why: null,
            problem: null,
          })),
        }),
      draft: () => Promise.resolve(),
      renew: () => Promise.resolve(),
      release: () => Promise.resolve(),
      reopen: (taskId) => {
        const before = tasks.get(taskId);
        if (!before) return Promise.reject(new ApiError(404));
        return Promise.resolve(answer(task(before.items, "correction")));
      },
      sign: (itemIds) =>
        Promise.resolve(
          Object.fromEntries(
            itemIds.flatMap((id) => {
              const found = links.get(id);
              return found ? [[id, found]] : [];
            }),
          ),
        ),
    },
    journal: {
      load: () => Promise.resolve({ pages: [], outgoing: [], requestId: null }),
      keep: () => Promise.resolve(),
      keepRequest: () => Promise.resolve(),
      close: () => undefined,
    },
  };
}

/** An image as if nobody had labeled it. */
function asNew({ item_id, path, width, height, media, images }: ItemLine): TaskItem {
  const nothing = { annotations: null, outcome: null, reason: null, note: null, draft: null };
  return {
    ...{ item_id, path, width, height, media, images, frames: 1, revision: 0 },
    ...{ ...nothing, defaults: null, prelabel: null, returned: null },
  };
}
