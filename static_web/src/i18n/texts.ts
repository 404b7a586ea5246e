/** Each in its own words, as the switch shows them. */
export const languages = { en: "English", ko: "한국어" } as const;
export type Language = keyof typeof languages;

const texts = {
  en: () => import("./en.json"),
  ko: () => import("./ko.json"),
};
/** Those that only the pages of a project need, so that nobody waits for them who labels. */
const adminTexts = {
  en: () => import("./admin/en.json"),
  ko: () => import("./admin/ko.json"),
};
const REMEMBERED = "labelry.language";

export async function loadTexts(language: Language): Promise<object> {
  return (await texts[language]()).default;
}

export async function loadAdminTexts(language: Language): Promise<object> {
  return (await adminTexts[language]()).default;
}

export function preferred(): Language {
  const remembered = localStorage.getItem(REMEMBERED);
  if (remembered === "en" || remembered === "ko") return remembered;
  return navigator.language.startsWith("ko") ? "ko" : "en";
}

export function remember(language: Language): void {
  localStorage.setItem(REMEMBERED, language);
}
