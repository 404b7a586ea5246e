/** Each in its own words, as the switch shows them. */
export const languages = { en: "English", ko: "한국어" } as const;
export type Language = keyof typeof languages;

const texts = {
  en: () => import("./en.json"),
  ko: () => import("./ko.json"),
};
const REMEMBERED = "labelry.language";

export async function loadTexts(language: Language): Promise<object> {
  return (await texts[language]()).default;
}

export function preferred(): Language {
  const remembered = localStorage.getItem(REMEMBERED);
  if (remembered === "en" || remembered === "ko") return remembered;
  return navigator.language.startsWith("ko") ? "ko" : "en";
}

export function remember(language: Language): void {
  localStorage.setItem(REMEMBERED, language);
}
