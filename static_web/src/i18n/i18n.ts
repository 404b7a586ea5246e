import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import type en from "./en.json";
import { loadTexts, preferred, remember, type Language } from "./texts";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

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
  remember(language);
  await show(language);
}

export function otherLanguage(current: string): Language {
  return current === "ko" ? "en" : "ko";
}

async function show(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, "translation"))
    i18next.addResourceBundle(language, "translation", await loadTexts(language));
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
