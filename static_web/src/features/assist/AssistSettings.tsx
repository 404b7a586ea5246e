import {
  Button,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Select,
  Switch,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { changeProject, projectQuery } from "@/api/queries";
import type { AssistSettings as Settings, Project } from "@/api/types";
import { formatPercent } from "@/format";
import { problemText } from "@/problems";
import { isDrawn } from "@/taskTypes";
import { announce } from "@/ui/announcer";
import { Panel } from "@/ui/Panel";

import { assistChange, assistQuery } from "./queries";

/** As the API takes them. */
const FEWEST = 20;
const MOST = 500_000;
const MOST_HOURS = 744;
const BLIND = [0, 0.02, 0.05, 0.1, 0.2];
/** While assist is on and nobody chose otherwise, as the API has it. */
const USUALLY_BLIND = 0.05;
const SHARES = [0.8, 0.85, 0.9, 0.95, 0.97, 0.99];
const OVERLAPS = [0.5, 0.7];
const TUNING = ["auto", "always", "never"] as const;

const useStyles = makeStyles({
  form: { display: "grid", gap: "12px" },
  two: {
    display: "grid",
    gap: "12px 16px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    alignItems: "start",
    "@media (max-width: 480px)": { gridTemplateColumns: "minmax(0, 1fr)" },
    "& .fui-Input, & .fui-Select, & select, & input": { minWidth: 0, width: "100%" },
  },
  foot: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px 16px" },
  link: {
    marginRight: "auto",
    color: tokens.colorBrandForegroundLink,
    "@media (pointer: coarse)": { display: "inline-flex", alignItems: "center", minHeight: "44px" },
  },
});

/** When models are trained for a project and how sure they must be; admins change it. */
export function AssistSettings({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [changed, setChanged] = useState<Partial<Settings>>({});
  const values = { ...project.assist, ...changed };
  const admin = project.my_role === "admin";
  const shapes = isDrawn(project.task_type);
  const clickModel = useQuery({
    ...assistQuery(project.project_id),
    enabled: shapes,
    refetchInterval: false,
  }).data?.click_model;
  const save = useMutation({
    mutationFn: () =>
      changeProject(project, {
        assist: assistChange(changed),
      }),
    onSuccess: (saved) => {
      queries.setQueryData(projectQuery(project.project_id).queryKey, saved);
      setChanged({});
      announce(t("details.saved"));
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries(projectQuery(project.project_id)),
        queries.invalidateQueries(assistQuery(project.project_id)),
      ]),
  });
  const set = (part: Partial<Settings>) => setChanged({ ...changed, ...part });
  const fits = (count: number) => Number.isInteger(count) && count >= FEWEST && count <= MOST;
  const fitsHours = (hours: number | null) => hours === null || (hours >= 0 && hours <= MOST_HOURS);
  const labels = (name: "first_labels" | "next_labels") => (
    <Field
      label={t(`assistSettings.${name}`)}
      {...(!fits(values[name]) && {
        validationMessage: t("assistSettings.between", { least: FEWEST, most: MOST }),
      })}
    >
      <Input
        type="number"
        min={FEWEST}
        max={MOST}
        value={Number.isNaN(values[name]) ? "" : String(values[name])}
        disabled={!admin}
        onChange={(_, data) => set({ [name]: Number.parseInt(data.value, 10) })}
      />
    </Field>
  );
  const share = (name: "precision" | "confidence" | "overlap", shares: readonly number[]) => (
    <Field label={t(`assistSettings.${name}`)}>
      <Select
        value={values[name]}
        disabled={!admin}
        onChange={(_, data) => set({ [name]: Number(data.value) })}
      >
        {[...new Set([...shares, project.assist[name]])].sort().map((one) => (
          <option key={one} value={one}>
            {formatPercent(one, i18n.language)}
          </option>
        ))}
      </Select>
    </Field>
  );
  const allFit =
    fits(values.first_labels) && fits(values.next_labels) && fitsHours(values.hours_a_month);
  return (
    <Panel title={t("assistSettings.title")}>
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending && allFit) save.mutate();
        }}
      >
        <Switch
          checked={values.on}
          disabled={!admin}
          label={t("assistSettings.on")}
          onChange={(_, { checked }) => set({ on: checked })}
        />
        {!shapes && (
          <Switch
            checked={values.similar_first}
            disabled={!admin}
            label={t("assistSettings.similar_first")}
            onChange={(_, { checked }) => set({ similar_first: checked })}
          />
        )}
        {shapes && (
          <Field hint={t("assistSettings.strictWhy")}>
            <Switch
              checked={values.strict}
              disabled={!admin}
              label={t("assistSettings.strict")}
              onChange={(_, { checked }) => set({ strict: checked })}
            />
          </Field>
        )}
        {shapes && (clickModel || values.clicks) && (
          <Field hint={t("assistSettings.clicksWhy")}>
            <Switch
              checked={values.clicks}
              disabled={!admin}
              label={t("assistSettings.clicks")}
              onChange={(_, { checked }) => set({ clicks: checked })}
            />
          </Field>
        )}
        <Field hint={t("assistSettings.dicomWhy")}>
          <Switch
            checked={values.dicom}
            disabled={!admin}
            label={t("assistSettings.dicom")}
            onChange={(_, { checked }) => set({ dicom: checked })}
          />
        </Field>
        <div className={styles.two}>
          {labels("first_labels")}
          {labels("next_labels")}
          {share("precision", SHARES)}
          {share("confidence", SHARES)}
          {shapes && share("overlap", OVERLAPS)}
          {!shapes && (
            <Field label={t("assistSettings.fine_tune")} hint={t("assistSettings.tuneWhy")}>
              <Select
                value={values.fine_tune}
                disabled={!admin}
                onChange={(_, data) => set({ fine_tune: data.value as Settings["fine_tune"] })}
              >
                {TUNING.map((one) => (
                  <option key={one} value={one}>
                    {t(`assistSettings.tune.${one}`)}
                  </option>
                ))}
              </Select>
            </Field>
          )}
          <Field
            label={t("assistSettings.hours_a_month")}
            hint={t("assistSettings.hoursWhy")}
            {...(!fitsHours(values.hours_a_month) && {
              validationMessage: t("assistSettings.between", { least: 0, most: MOST_HOURS }),
            })}
          >
            <Input
              type="number"
              min={0}
              max={MOST_HOURS}
              step={0.5}
              value={
                values.hours_a_month === null || Number.isNaN(values.hours_a_month)
                  ? ""
                  : String(values.hours_a_month)
              }
              disabled={!admin}
              onChange={(_, data) =>
                set({ hours_a_month: data.value === "" ? null : Number.parseFloat(data.value) })
              }
            />
          </Field>
          <Field label={t("assistSettings.blind_share")} hint={t("assistSettings.blindWhy")}>
            <Select
              value={values.blind_share ?? USUALLY_BLIND}
              disabled={!admin}
              onChange={(_, data) => set({ blind_share: Number(data.value) })}
            >
              {[...new Set([...BLIND, values.blind_share ?? USUALLY_BLIND])].sort().map((one) => (
                <option key={one} value={one}>
                  {formatPercent(one, i18n.language)}
                </option>
              ))}
            </Select>
          </Field>
        </div>
        {save.isError && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>{problemText(save.error)}</MessageBarBody>
          </MessageBar>
        )}
        {admin && (
          <div className={styles.foot}>
            <Link className={styles.link} href={`/projects/${project.project_id}`}>
              {t("assistSettings.where")}
            </Link>
            <Button
              type="submit"
              appearance="primary"
              disabledFocusable={!Object.keys(changed).length || save.isPending || !allFit}
            >
              {t("classes.save")}
            </Button>
          </div>
        )}
      </form>
    </Panel>
  );
}
