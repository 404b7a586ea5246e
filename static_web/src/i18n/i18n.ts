import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import type en from "./en.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

/** Each in its own words, as the switch shows them. */
export const languages = { en: "English", ko: "한국어" } as const;
export type Language = keyof typeof languages;

const texts = {
  en: () => import("./en.json"),
  ko: () => import("./ko.json"),
};
const REMEMBERED = "labelry.language";

export async function startI18n(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: {},
    fallbackLng: false,
    interpolation: { escapeValue: false }, // React escapes
    react: { useSuspense: false },
  });
  await show(preferred());
}

export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(REMEMBERED, language);
  await show(language);
}

export function otherLanguage(current: string): Language {
  return current === "ko" ? "en" : "ko";
}

function preferred(): Language {
  const remembered = localStorage.getItem(REMEMBERED);
  if (remembered === "en" || remembered === "ko") return remembered;
  return navigator.language.startsWith("ko") ? "ko" : "en";
}

async function show(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, "translation"))
    i18next.addResourceBundle(language, "translation", (await texts[language]()).default);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
