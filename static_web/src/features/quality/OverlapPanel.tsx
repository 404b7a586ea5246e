import {
  Button,
  Field,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Select,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { changeProject, projectQuery } from "@/api/queries";
import type { Overlap, Project } from "@/api/types";
import { formatPercent } from "@/format";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Panel } from "@/ui/Panel";

const MOST_LABELERS = 5;
const SHARES = [0.05, 0.1, 0.2, 0.5, 1];
const QUORUMS = [0.5, 0.66, 0.75, 1];
const LIKENESS = [0.5, 0.7, 0.8, 0.9];

const useStyles = makeStyles({
  form: { display: "grid", gap: "12px" },
  two: {
    display: "grid",
    gap: "12px 16px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    alignItems: "start",
    "@media (max-width: 480px)": { gridTemplateColumns: "minmax(0, 1fr)" },
    "& .fui-Select, & select": { minWidth: 0, width: "100%" },
  },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
  foot: { display: "flex", justifyContent: "flex-end" },
});

/** How many people label an image and when they agree; admins change it. */
export function OverlapPanel({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [changed, setChanged] = useState<Partial<Overlap>>({});
  const values = { ...project.overlap, ...changed };
  const admin = project.my_role === "admin";
  const several = values.labelers > 1;
  const drawn = project.task_type === "boxes" || project.task_type === "polygons";
  const save = useMutation({
    mutationFn: () => changeProject(project, { overlap: values }),
    onSuccess: (saved) => {
      queries.setQueryData(projectQuery(project.project_id).queryKey, saved);
      setChanged({});
      announce(t("details.saved"));
    },
    onSettled: () => queries.invalidateQueries(projectQuery(project.project_id)),
  });
  const set = (part: Partial<Overlap>) => setChanged({ ...changed, ...part });
  const choice = (
    name: "labelers" | "most" | "share" | "quorum" | "iou",
    options: readonly number[],
    text: (value: number) => string,
  ) => (
    <Field label={t(`quality.${name}`)}>
      <Select
        value={values[name]}
        disabled={!admin}
        onChange={(_, data) => set({ [name]: Number(data.value) })}
      >
        {[...new Set([...options, values[name]])]
          .sort((one, other) => one - other)
          .map((one) => (
            <option key={one} value={one}>
              {text(one)}
            </option>
          ))}
      </Select>
    </Field>
  );
  const people = (least: number) =>
    Array.from({ length: MOST_LABELERS + 1 - least }, (_, at) => least + at);
  const percent = (value: number) => formatPercent(value, i18n.language);
  return (
    <Panel title={t("quality.title")}>
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        <p className={styles.quiet}>{t("quality.about")}</p>
        <div className={styles.two}>
          <Field label={t("quality.labelers")}>
            <Select
              value={values.labelers}
              disabled={!admin}
              onChange={(_, data) => {
                const labelers = Number(data.value);
                set({ labelers, most: Math.max(labelers, values.most) });
              }}
            >
              {people(1).map((one) => (
                <option key={one} value={one}>
                  {t("quality.people", { count: one })}
                </option>
              ))}
            </Select>
          </Field>
          {several && choice("share", SHARES, percent)}
          {several &&
            choice("most", people(values.labelers), (count) => t("quality.people", { count }))}
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
        </div>
        {save.isError && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>{problemText(save.error)}</MessageBarBody>
          </MessageBar>
        )}
        {admin && (
          <div className={styles.foot}>
            <Button
              type="submit"
              appearance="primary"
              disabledFocusable={save.isPending || Object.keys(changed).length === 0}
            >
              {t("quality.save")}
            </Button>
          </div>
        )}
      </form>
    </Panel>
  );
}
