/** How the image and its shapes are shown while one draws. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Settings } from "@/annotate/editor";
import { formatPercent } from "@/format";
import type { Handlers } from "@/keys/keyboard";
import { announce } from "@/ui/announcer";

import { LIGHT_MOST, PLAIN, rounded } from "./drawing";

const LIGHT_STEP = 1.15;
const AT_FIRST: Settings = { ...PLAIN, fill: 0.15, guides: true, hidden: false };
/** What one key makes of the areas of shapes, in turn. */
const FILLS = [0.15, 0.4, 0];

export interface Shown {
  settings: Settings;
  setSettings: (settings: Settings) => void;
  commands: Handlers;
}

export function useSettings(): Shown {
  const { t, i18n } = useTranslation();
  const [settings, setSettings] = useState(AT_FIRST);
  const refill = (): void => {
    const fill = FILLS[(FILLS.indexOf(settings.fill) + 1) % FILLS.length] ?? AT_FIRST.fill;
    setSettings({ ...settings, fill });
    announce(t("canvas.filled", { percent: formatPercent(fill, i18n.language) }));
  };
  const lighten = (what: "brightness" | "contrast", by: number): void =>
    setSettings((before) => {
      const value = Math.min(LIGHT_MOST, Math.max(1 / LIGHT_MOST, before[what] * by));
      return { ...before, [what]: rounded(value) };
    });
  const commands: Handlers = {
    fill: refill,
    darker: () => lighten("brightness", 1 / LIGHT_STEP),
    brighter: () => lighten("brightness", LIGHT_STEP),
    lessContrast: () => lighten("contrast", 1 / LIGHT_STEP),
    moreContrast: () => lighten("contrast", LIGHT_STEP),
    plainImage: () => setSettings({ ...settings, ...PLAIN }),
  };
  return { settings, setSettings, commands };
}
