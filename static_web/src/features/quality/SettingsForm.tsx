import {
  Button,
  Field,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Select,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { changeProject, projectQuery } from "@/api/queries";
import type { Project, ProjectChange } from "@/api/types";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Panel } from "@/ui/Panel";

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

export interface Changing<Settings> {
  values: Settings;
  changed: boolean;
  set: (part: Partial<Settings>) => void;
  save: UseMutationResult<Project, Error, void>;
}

/** Settings of a project as they are being changed: nothing is sent before they are saved, all at once. */
export function useChanging<Settings extends object>(
  project: Project,
  kept: Settings,
  asChange: (values: Settings) => Partial<ProjectChange>,
): Changing<Settings> {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [changed, setChanged] = useState<Partial<Settings>>({});
  const values = { ...kept, ...changed };
  const save = useMutation({
    mutationFn: () => changeProject(project, asChange(values)),
    onSuccess: (saved) => {
      queries.setQueryData(projectQuery(project.project_id).queryKey, saved);
      setChanged({});
      announce(t("details.saved"));
    },
    onSettled: () => queries.invalidateQueries(projectQuery(project.project_id)),
  });
  return {
    values,
    changed: Object.keys(changed).length > 0,
    set: (part) => setChanged((before) => ({ ...before, ...part })),
    save,
  };
}

interface FormProps {
  title: string;
  about: string;
  /** What the button says; null: they may only be read. */
  button: string | null;
  changing: Pick<Changing<never>, "changed" | "save">;
  children: ReactNode;
}

/** A panel of settings that are saved together. */
export function SettingsForm({ title, about, button, changing, children }: FormProps): ReactNode {
  const styles = useStyles();
  const { changed, save } = changing;
  return (
    <Panel title={title}>
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        <p className={styles.quiet}>{about}</p>
        <div className={styles.two}>{children}</div>
        {save.isError && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>{problemText(save.error)}</MessageBarBody>
          </MessageBar>
        )}
        {button !== null && (
          <div className={styles.foot}>
            <Button
              type="submit"
              appearance="primary"
              disabledFocusable={save.isPending || !changed}
            >
              {button}
            </Button>
          </div>
        )}
      </form>
    </Panel>
  );
}

interface NumberProps {
  label: string;
  value: number;
  options: readonly number[];
  text: (value: number) => string;
  disabled?: boolean;
  onChange: (value: number) => void;
}

/** One of some numbers; what was set elsewhere is among them. */
export function NumberSelect(props: NumberProps): ReactNode {
  const { label, value, options, text, disabled, onChange } = props;
  const all = [...new Set([...options, value])].sort((one, other) => one - other);
  return (
    <Field label={label}>
      <Select
        value={value}
        disabled={disabled ?? false}
        onChange={(_, data) => onChange(Number(data.value))}
      >
        {all.map((one) => (
          <option key={one} value={one}>
            {text(one)}
          </option>
        ))}
      </Select>
    </Field>
  );
}
