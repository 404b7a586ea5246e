import { Field, Select } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Project } from "@/api/types";
import { formatPercent } from "@/format";
import { isDrawn } from "@/taskTypes";

import { NumberSelect, SettingsForm, useChanging } from "./SettingsForm";

const MOST_LABELERS = 5;
const SHARES = [0.05, 0.1, 0.2, 0.5, 1];
const QUORUMS = [0.5, 0.66, 0.75, 1];
const LIKENESS = [0.5, 0.7, 0.8, 0.9];

/** How many people label an image and when they agree; admins change it. */
export function OverlapPanel({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const changing = useChanging(project, project.overlap, (overlap) => ({ overlap }));
  const { values, set } = changing;
  const admin = project.my_role === "admin";
  const several = values.labelers > 1;
  const drawn = isDrawn(project.task_type);
  const choice = (
    name: "most" | "share" | "quorum" | "iou",
    options: readonly number[],
    text: (value: number) => string,
  ) => (
    <NumberSelect
      label={t(`quality.${name}`)}
      value={values[name]}
      options={options}
      text={text}
      disabled={!admin}
      onChange={(value) => set({ [name]: value })}
    />
  );
  const people = (least: number) =>
    Array.from({ length: MOST_LABELERS + 1 - least }, (_, at) => least + at);
  const counted = (count: number) => t("quality.people", { count });
  const percent = (value: number) => formatPercent(value, i18n.language);
  return (
    <SettingsForm
      title={t("quality.title")}
      about={t("quality.about")}
      button={admin ? t("quality.save") : null}
      changing={changing}
    >
      <NumberSelect
        label={t("quality.labelers")}
        value={values.labelers}
        options={people(1)}
        text={counted}
        disabled={!admin}
        onChange={(labelers) => set({ labelers, most: Math.max(labelers, values.most) })}
      />
      {several && choice("share", SHARES, percent)}
      {several && choice("most", people(values.labelers), counted)}
      {several &&
        choice("quorum", QUORUMS, (one) => t("quality.moreThan", { share: percent(one) }))}
      {several && drawn && choice("iou", LIKENESS, percent)}
      {several && drawn && (
        <Field label={t("quality.shape")}>
          <Select
            value={values.shape}
            disabled={!admin}
            onChange={(_, data) => set({ shape: data.value === "best" ? "best" : "median" })}
          >
            <option value="median">{t("quality.shapes.median")}</option>
            <option value="best">{t("quality.shapes.best")}</option>
          </Select>
        </Field>
      )}
    </SettingsForm>
  );
}
