/** The classes used last, each in a place of its own: only the one that was not used longest gives way. */

export interface Recent {
  /** As they are shown. */
  shown: readonly string[];
  /** The same, the latest first. */
  used: readonly string[];
}

const PLACES = 4;

export function withUse(recent: Recent, classId: string): Recent {
  const used = [classId, ...recent.used.filter((one) => one !== classId)].slice(0, PLACES);
  if (recent.shown.includes(classId)) return { ...recent, used };
  const oldest = recent.used.at(-1);
  const shown =
    recent.shown.length < PLACES
      ? [...recent.shown, classId]
      : recent.shown.map((one) => (one === oldest ? classId : one));
  return { shown, used };
}

export function rememberedRecent(projectId: string): Recent {
  const remembered = localStorage.getItem(recentKey(projectId));
  return remembered ? (JSON.parse(remembered) as Recent) : { shown: [], used: [] };
}

export function rememberRecent(projectId: string, recent: Recent): void {
  localStorage.setItem(recentKey(projectId), JSON.stringify(recent));
}

const recentKey = (projectId: string) => `labelry.recent.${projectId}`;
