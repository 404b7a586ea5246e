import { Checkbox, Field, Input, makeStyles, Select, Text } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ComponentProps, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { progressQuery, projectQuery } from "@/api/queries";
import type { Export, ExportFormat } from "@/api/types";
import { formatPercent } from "@/format";
import { FieldGroup } from "@/ui/FieldGroup";

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

type ImageState = Export["options"]["states"][number];

const IMAGES: readonly Export["options"]["images"][] = ["none", "links", "copies"];

const STATES: readonly ImageState[] = ["labeled", "needs_review", "available"];

/** What a person chose; `names` are new names of classes, by their ids. No class means all of them, nor a labeler. */
export interface Chosen {
  azure: boolean;
  datastore: string;
  val: number;
  test: number;
  classes: readonly string[];
  names: Readonly<Record<string, string>>;
  path: string;
  labelers: readonly string[];
  states: readonly ImageState[];
  each: boolean;
  since: string;
  flat: boolean;
  images: Export["options"]["images"];
}

/** Nothing left out, a fifth for validation. */
export const everything: Chosen = {
  azure: false,
  datastore: "",
  val: 0.2,
  test: 0,
  classes: [],
  names: {},
  path: "",
  labelers: [],
  states: ["labeled"],
  each: false,
  since: "",
  flat: false,
  images: "none",
};

/** What is asked for: of what was chosen, that which the format heeds. */
export function optionsOf(chosen: Chosen, format: ExportFormat): Export["options"] {
  const heeds = (name: ExportFormat["options"][number]) => format.options.includes(name);
  const names = Object.entries(chosen.names).filter(([, name]) => name.trim());
  return {
    azure: heeds("azure") && chosen.azure,
    datastore: asksDatastore(chosen, format) ? chosen.datastore.trim() : "",
    split:
      heeds("split") && chosen.val + chosen.test > 0
        ? { val: chosen.val, test: chosen.test, seed: "" }
        : null,
    classes: heeds("classes") ? [...chosen.classes] : [],
    rename: heeds("rename") ? Object.fromEntries(names) : {},
    path: heeds("path") ? chosen.path.trim() : "",
    labelers: heeds("labelers") ? [...chosen.labelers] : [],
    states: statesOf(chosen, heeds("labelings")),
    labelings: heeds("labelings") && chosen.each ? "each" : "agreed",
    since: heeds("since") && chosen.since ? new Date(`${chosen.since}T00:00`).toISOString() : null,
    flat: heeds("flat") && chosen.flat,
    images: heeds("images") ? chosen.images : "none",
  };
}

/** Whether Azure's address of the images matters: where the format is Azure's, or is written as Azure does. */
const asksDatastore = (chosen: Chosen, { options }: ExportFormat): boolean =>
  options.includes("datastore") && (chosen.azure || !options.includes("azure"));

/** Images that some have labeled have nothing in common yet: they go only with what each said. */
const statesOf = (chosen: Chosen, people: boolean): ImageState[] =>
  STATES.filter(
    (one) => chosen.states.includes(one) && (one !== "available" || (people && chosen.each)),
  );

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
      {heeds("azure") && (
        <Checkbox
          label={t("exports.azure")}
          checked={chosen.azure}
          onChange={(_, { checked }) => onChange({ azure: checked === true })}
        />
      )}
      {asksDatastore(chosen, format) && (
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
      {heeds("images") ? (
        <Field
          label={t("exports.imagesAre")}
          hint={chosen.images === "copies" ? t("exports.copiesHint") : undefined}
        >
          <Select
            value={chosen.images}
            onChange={(_, { value }) => onChange({ images: value as Chosen["images"] })}
          >
            {IMAGES.map((one) => (
              <option key={one} value={one}>
                {t(`exports.imagesAs.${one}`)}
              </option>
            ))}
          </Select>
        </Field>
      ) : (
        <Text size={200}>{t("exports.copiesHint")}</Text>
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
            <Labelers projectId={projectId} chosen={chosen} onChange={onChange} />
          )}
          {heeds("labelings") && (
            <Checkbox
              label={t("exports.each")}
              checked={chosen.each}
              onChange={(_, { checked }) =>
                onChange(
                  checked === true
                    ? { each: true, states: STATES }
                    : { each: false, states: everything.states },
                )
              }
            />
          )}
          {heeds("states") && (
            <States each={heeds("labelings") && chosen.each} chosen={chosen} onChange={onChange} />
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

/** Several boxes under one heading, that scroll where there are many. */
function Group({ children, ...heading }: ComponentProps<typeof FieldGroup>): ReactNode {
  const styles = useStyles();
  return (
    <FieldGroup {...heading}>
      <div className={styles.classes}>{children}</div>
    </FieldGroup>
  );
}

/** A box for each person who labeled. */
function Labelers({ projectId, chosen, onChange }: Omit<Props, "format">): ReactNode {
  const { t } = useTranslation();
  const all = useQuery(progressQuery(projectId)).data?.labelers ?? [];
  const ids = all.map((one) => one.user);
  const kept = chosen.labelers.length ? chosen.labelers : ids;
  const toggle = (id: string, wanted: boolean) => {
    const labelers = ids.filter((one) => (one === id ? wanted : kept.includes(one)));
    // Nobody at all can't be exported, and all of them are no choice.
    if (labelers.length) onChange({ labelers: labelers.length === ids.length ? [] : labelers });
  };
  if (all.length < 2) return null;
  return (
    <Group legend={t("exports.labelers")}>
      {all.map(({ user, name }) => (
        <Checkbox
          key={user}
          label={name || user}
          checked={kept.includes(user)}
          onChange={(_, { checked }) => toggle(user, checked === true)}
        />
      ))}
    </Group>
  );
}

/** A box for each state whose images can be exported. */
function States({
  each,
  chosen,
  onChange,
}: Pick<Props, "chosen" | "onChange"> & { each: boolean }): ReactNode {
  const { t } = useTranslation();
  const possible = STATES.filter((one) => each || one !== "available");
  const toggle = (state: ImageState, wanted: boolean) => {
    const states = possible.filter((one) => (one === state ? wanted : chosen.states.includes(one)));
    if (states.length) onChange({ states });
  };
  return (
    <Group legend={t("exports.states")}>
      {possible.map((one) => (
        <Checkbox
          key={one}
          label={t(`exports.stateOf.${one}`)}
          checked={chosen.states.includes(one)}
          onChange={(_, { checked }) => toggle(one, checked === true)}
        />
      ))}
    </Group>
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
    <Group legend={t("exports.classes")} hint={t("exports.classesHint")}>
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
    </Group>
  );
}
