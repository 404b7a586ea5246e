import { Field, Select } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { HoneypotSettings as Settings, Project } from "@/api/types";
import { formatPercent } from "@/format";

import { NumberSelect, SettingsForm, useChanging } from "./SettingsForm";

const RATES = [0, 0.02, 0.05, 0.1, 0.2];
const LIMITS = [0.5, 0.6, 0.7, 0.8, 0.9];
const AFTER = [5, 10, 20, 50];
const outcomes = ["nothing", "tell", "pause"] as const;

/** How often images whose answer is known are mixed in, and what becomes of who does not know it; for admins. */
export function HoneypotSettings({ project }: { project: Project }): ReactNode {
  return project.honeypots && <Changeable project={project} kept={project.honeypots} />;
}

function Changeable({ project, kept }: { project: Project; kept: Settings }): ReactNode {
  const { t, i18n } = useTranslation();
  const changing = useChanging(project, kept, (honeypots) => ({ honeypots }));
  const { values, set } = changing;
  const percent = (value: number) => formatPercent(value, i18n.language);
  const number = (
    name: "rate" | "limit" | "after",
    options: readonly number[],
    text: (value: number) => string,
  ) => (
    <NumberSelect
      label={t(`honeypots.${name}`)}
      value={values[name]}
      options={options}
      text={text}
      onChange={(value) => set({ [name]: value })}
    />
  );
  const on = values.rate > 0;
  const judges = on && values.below !== "nothing";
  return (
    <SettingsForm
      title={t("honeypots.title")}
      about={t("honeypots.about")}
      button={t("honeypots.save")}
      changing={changing}
    >
      {number("rate", RATES, (one) => (one ? percent(one) : t("honeypots.none")))}
      {on && (
        <Field label={t("honeypots.below")}>
          <Select
            value={values.below}
            onChange={(_, data) =>
              set({ below: outcomes.find((one) => one === data.value) ?? "nothing" })
            }
          >
            {outcomes.map((one) => (
              <option key={one} value={one}>
                {t(`honeypots.outcomes.${one}`)}
              </option>
            ))}
          </Select>
        </Field>
      )}
      {judges && number("limit", LIMITS, percent)}
      {judges && number("after", AFTER, (count) => t("honeypots.last", { count }))}
    </SettingsForm>
  );
}
