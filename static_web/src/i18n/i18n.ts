import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import type admin from "./admin/en.json";
import type en from "./en.json";
import { loadAdminTexts, loadTexts, preferred, remember, type Language } from "./texts";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en & typeof admin };
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

let withAdmin = false;

/** From here on the texts of a project's pages are there too, in whatever language. */
export async function addAdminTexts(): Promise<void> {
  withAdmin = true;
  await addAdmin(i18next.language as Language);
}

async function addAdmin(language: Language): Promise<void> {
  if (!i18next.exists("tabs.title", { lng: language }))
    i18next.addResourceBundle(language, "translation", await loadAdminTexts(language), true);
}

async function show(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, "translation"))
    i18next.addResourceBundle(language, "translation", await loadTexts(language));
  if (withAdmin) await addAdmin(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
