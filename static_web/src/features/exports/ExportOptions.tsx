import { Checkbox, Field, Input, makeStyles, Select } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { progressQuery, projectQuery } from "@/api/queries";
import type { Export, ExportFormat } from "@/api/types";
import { formatPercent } from "@/format";

const SHARES = [0, 0.1, 0.2, 0.3];

const useStyles = makeStyles({
  more: { display: "grid", gap: "8px", marginTop: "8px" },
  summary: { cursor: "pointer", minHeight: "32px", alignContent: "center" },
  classes: { display: "grid", gap: "4px", maxHeight: "240px", overflowY: "auto" },
  one: {
    display: "grid",
    gridTemplateColumns: "repeat(2, minmax(0, 1fr))",
    alignItems: "center",
    gap: "8px",
    "& .fui-Input, & input": { minWidth: 0, width: "100%" },
  },
});

/** What a person chose; `names` are new names of classes, by their ids. No class means all of them. */
export interface Chosen {
  datastore: string;
  val: number;
  test: number;
  classes: readonly string[];
  names: Readonly<Record<string, string>>;
  path: string;
  labeler: string;
  since: string;
  flat: boolean;
  list: boolean;
}

/** Nothing left out, a fifth for validation. */
export const everything: Chosen = {
  datastore: "",
  val: 0.2,
  test: 0,
  classes: [],
  names: {},
  path: "",
  labeler: "",
  since: "",
  flat: false,
  list: false,
};

/** What is asked for: of what was chosen, that which the format heeds. */
export function optionsOf(chosen: Chosen, format: ExportFormat): Export["options"] {
  const heeds = (name: ExportFormat["options"][number]) => format.options.includes(name);
  const names = Object.entries(chosen.names).filter(([, name]) => name.trim());
  return {
    datastore: heeds("datastore") ? chosen.datastore.trim() : "",
    split:
      heeds("split") && chosen.val + chosen.test > 0
        ? { val: chosen.val, test: chosen.test, seed: "" }
        : null,
    classes: heeds("classes") ? [...chosen.classes] : [],
    rename: heeds("rename") ? Object.fromEntries(names) : {},
    path: heeds("path") ? chosen.path.trim() : "",
    labelers: heeds("labelers") && chosen.labeler ? [chosen.labeler] : [],
    since: heeds("since") && chosen.since ? new Date(`${chosen.since}T00:00`).toISOString() : null,
    flat: heeds("flat") && chosen.flat,
    images: heeds("images") && chosen.list ? "links" : "none",
  };
}

interface Props {
  projectId: string;
  format: ExportFormat;
  chosen: Chosen;
  onChange: (part: Partial<Chosen>) => void;
}

/** What of the labels is exported and how, as far as the format heeds it. */
export function ExportOptions({ projectId, format, chosen, onChange }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const heeds = (name: ExportFormat["options"][number]) => format.options.includes(name);
  return (
    <>
      {heeds("datastore") && (
        <Field label={t("exports.datastore")} hint={t("exports.datastoreHint")}>
          <Input
            value={chosen.datastore}
            onChange={(_, { value }) => onChange({ datastore: value })}
          />
        </Field>
      )}
      {heeds("split") && (
        <>
          <Share
            label={t("exports.validation")}
            hint={t("exports.validationHint")}
            value={chosen.val}
            onChange={(val) => onChange({ val })}
          />
          <Share
            label={t("exports.test")}
            value={chosen.test}
            onChange={(test) => onChange({ test })}
          />
        </>
      )}
      <details>
        <summary className={styles.summary}>{t("exports.more")}</summary>
        <div className={styles.more}>
          {heeds("path") && (
            <Field label={t("exports.path")} hint={t("exports.pathHint")}>
              <Input value={chosen.path} onChange={(_, { value }) => onChange({ path: value })} />
            </Field>
          )}
          {heeds("labelers") && (
            <Labeler
              projectId={projectId}
              value={chosen.labeler}
              onChange={(labeler) => onChange({ labeler })}
            />
          )}
          {heeds("since") && (
            <Field label={t("exports.since")}>
              <Input
                type="date"
                value={chosen.since}
                onChange={(_, { value }) => onChange({ since: value })}
              />
            </Field>
          )}
          {heeds("classes") && (
            <Classes projectId={projectId} chosen={chosen} onChange={onChange} />
          )}
          {heeds("flat") && (
            <Checkbox
              label={t("exports.flat")}
              checked={chosen.flat}
              onChange={(_, { checked }) => onChange({ flat: checked === true })}
            />
          )}
          {heeds("images") && (
            <Checkbox
              label={t("exports.list")}
              checked={chosen.list}
              onChange={(_, { checked }) => onChange({ list: checked === true })}
            />
          )}
        </div>
      </details>
    </>
  );
}

function Share({
  label,
  hint,
  value,
  onChange,
}: {
  label: string;
  hint?: string;
  value: number;
  onChange: (value: number) => void;
}): ReactNode {
  const { t, i18n } = useTranslation();
  return (
    <Field label={label} hint={hint}>
      <Select value={value} onChange={(_, data) => onChange(Number(data.value))}>
        {SHARES.map((one) => (
          <option key={one} value={one}>
            {one ? formatPercent(one, i18n.language) : t("exports.noValidation")}
          </option>
        ))}
      </Select>
    </Field>
  );
}

function Labeler({
  projectId,
  value,
  onChange,
}: {
  projectId: string;
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const labelers = useQuery(progressQuery(projectId)).data?.labelers;
  return (
    <Field label={t("exports.labeler")}>
      <Select value={value} onChange={(_, data) => onChange(data.value)}>
        <option value="">{t("exports.everybody")}</option>
        {labelers?.map((one) => (
          <option key={one.user} value={one.user}>
            {one.name || one.user}
          </option>
        ))}
      </Select>
    </Field>
  );
}

/** A box for each class, and the name that files have for it. */
function Classes({ projectId, chosen, onChange }: Omit<Props, "format">): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const all = useQuery(projectQuery(projectId)).data?.classes ?? [];
  const ids = all.map((one) => one.class_id);
  const kept = chosen.classes.length ? chosen.classes : ids;
  const toggle = (id: string, wanted: boolean) => {
    const classes = ids.filter((one) => (one === id ? wanted : kept.includes(one)));
    // Nothing at all can't be exported, and all of them are no choice.
    if (classes.length) onChange({ classes: classes.length === ids.length ? [] : classes });
  };
  return (
    <Field label={t("exports.classes")} hint={t("exports.classesHint")}>
      <div className={styles.classes}>
        {all.map(({ class_id: id, name }) => (
          <div key={id} className={styles.one}>
            <Checkbox
              label={name}
              checked={kept.includes(id)}
              onChange={(_, { checked }) => toggle(id, checked === true)}
            />
            <Input
              size="small"
              aria-label={t("exports.nameOf", { name })}
              placeholder={name}
              disabled={!kept.includes(id)}
              value={chosen.names[id] ?? ""}
              onChange={(_, { value }) => onChange({ names: { ...chosen.names, [id]: value } })}
            />
          </div>
        ))}
      </div>
    </Field>
  );
}
