import { Button, Field, Input, makeStyles, Select } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass, Progress } from "@/api/types";
import { formatNumber } from "@/format";

import {
  consensuses,
  flags,
  kinds,
  returns,
  states,
  suggestions,
  unfiltered,
  verdicts,
  type Filters,
} from "./filters";

const useStyles = makeStyles({
  root: {
    display: "grid",
    gap: "12px",
    alignContent: "start",
    gridTemplateColumns: "minmax(0, 1fr)",
    "@media (max-width: 860px)": { gridTemplateColumns: "repeat(2, minmax(0, 1fr))" },
    // However long its options are.
    "& .fui-Field, & .fui-Select, & select, & .fui-Input": { minWidth: 0, width: "100%" },
  },
});

interface Props {
  filters: Filters;
  classes: readonly LabelClass[];
  progress: Progress | undefined;
  /** Whether models help with the project, so that one may disagree. */
  assisted: boolean;
  onChange: (filters: Filters) => void;
}

/** Which images are shown. */
export function FilterRail({ filters, classes, progress, assisted, onChange }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const number = (value: number | undefined) =>
    progress ? ` (${formatNumber(value ?? 0, i18n.language)})` : "";
  const change = (part: Partial<Filters>) => onChange({ ...filters, ...part });
  const known = progress?.labelers ?? [];
  const tags = progress?.assigned.map((one) => one.tag) ?? [];
  const labelers = known.some((one) => one.user === filters.labeler)
    ? known
    : [...known, ...(filters.labeler ? [{ user: filters.labeler, name: "" }] : [])];
  const today = progress?.at.slice(0, 10);
  const filtered = JSON.stringify(filters) !== JSON.stringify(unfiltered);
  return (
    <div role="search" aria-label={t("data.filters")} className={styles.root}>
      <Field label={t("data.state")}>
        <Select
          value={filters.state}
          onChange={(_, data) =>
            change({ state: states.find((one) => one === data.value) ?? "all" })
          }
        >
          {states.map((one) => (
            <option key={one} value={one}>
              {t(`data.states.${one}`) +
                number(one === "all" ? progress?.total : progress?.states[one])}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("data.class")}>
        <Select value={filters.class} onChange={(_, data) => change({ class: data.value })}>
          <option value="">{t("data.any")}</option>
          {classes
            .filter((one) => !one.merged_into)
            .map((one) => (
              <option key={one.class_id} value={one.class_id}>
                {one.name}
              </option>
            ))}
        </Select>
      </Field>
      <Field label={t("data.labeler")}>
        <Select value={filters.labeler} onChange={(_, data) => change({ labeler: data.value })}>
          <option value="">{t("data.any")}</option>
          {labelers.map((one) => (
            <option key={one.user} value={one.user}>
              {one.name || one.user}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("data.kind")}>
        <Select value={filters.kind} onChange={(_, data) => change({ kind: data.value })}>
          <option value="">{t("data.any")}</option>
          {kinds.map((one) => (
            <option key={one} value={one}>
              {t(`kinds.${one}`)}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("data.flag")}>
        <Select value={filters.flag} onChange={(_, data) => change({ flag: data.value })}>
          <option value="">{t("data.any")}</option>
          {flags.map((one) => (
            <option key={one} value={one}>
              {t(`flags.${one}`) + number(progress?.flags[one])}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("data.verdict")}>
        <Select value={filters.approved} onChange={(_, data) => change({ approved: data.value })}>
          <option value="">{t("data.any")}</option>
          {verdicts.map((one) => (
            <option key={one} value={one}>
              {t(`data.verdicts.${one}`)}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("data.honeypots")}>
        <Select value={filters.honeypot} onChange={(_, data) => change({ honeypot: data.value })}>
          <option value="">{t("data.any")}</option>
          <option value="yes">{t("data.honeypot")}</option>
        </Select>
      </Field>
      {(tags.length > 0 || filters.waits_for) && (
        <Field label={t("data.waitsFor")}>
          <Select
            value={filters.waits_for}
            onChange={(_, data) => change({ waits_for: data.value })}
          >
            <option value="">{t("data.any")}</option>
            {[...new Set([...tags, filters.waits_for])].filter(Boolean).map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </Select>
        </Field>
      )}
      {(progress?.agreement || filters.consensus) && (
        <Field label={t("data.consensus")}>
          <Select
            value={filters.consensus}
            onChange={(_, data) =>
              change({
                consensus: consensuses.find((one) => one === data.value) ?? "",
                ...(data.value && { state: "all" }),
              })
            }
          >
            <option value="">{t("data.any")}</option>
            {consensuses.map((one) => (
              <option key={one} value={one}>
                {t(`data.consensuses.${one}`) +
                  (one === "differing" ? "" : number(progress?.agreement?.[one]))}
              </option>
            ))}
          </Select>
        </Field>
      )}
      {assisted && (
        <Field label={t("data.model")}>
          <Select
            value={filters.disagrees}
            onChange={(_, data) =>
              change({ disagrees: data.value, ...(data.value && { state: "labeled" }) })
            }
          >
            <option value="">{t("data.any")}</option>
            <option value="yes">{t("data.disagrees")}</option>
          </Select>
        </Field>
      )}
      <Field label={t("data.suggestions")}>
        <Select
          value={filters.suggested}
          onChange={(_, data) =>
            change({ suggested: data.value, ...(data.value && { state: "available" }) })
          }
        >
          <option value="">{t("data.any")}</option>
          {suggestions.map((one) => (
            <option key={one} value={one}>
              {t(`data.suggested.${one}`)}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("data.returned")}>
        <Select
          value={filters.returned}
          onChange={(_, data) =>
            change({
              returned: returns.find((one) => one === data.value) ?? "",
              ...(data.value && { state: "available" }),
            })
          }
        >
          <option value="">{t("data.any")}</option>
          {returns.map((one) => (
            <option key={one} value={one}>
              {t(`data.returns.${one}`)}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("data.labeledFrom")}>
        <Input
          type="date"
          value={filters.labeled_from}
          max={filters.labeled_to || today}
          onChange={(_, data) =>
            change({ labeled_from: data.value, ...(data.value && { state: "labeled" }) })
          }
        />
      </Field>
      <Field label={t("data.labeledTo")}>
        <Input
          type="date"
          value={filters.labeled_to}
          min={filters.labeled_from}
          max={today}
          onChange={(_, data) =>
            change({ labeled_to: data.value, ...(data.value && { state: "labeled" }) })
          }
        />
      </Field>
      <TypedField
        key={`name ${filters.name}`}
        label={t("data.name")}
        maxLength={200}
        value={filters.name}
        onChange={(name) => change({ name })}
      />
      <TypedField
        key={`path ${filters.path}`}
        label={t("data.path")}
        hint={t("data.pathHint")}
        maxLength={1_024}
        value={filters.path}
        onChange={(path) => change({ path, ...(path && { state: "all" }) })}
      />
      {filtered && (
        <Button appearance="subtle" onClick={() => onChange(unfiltered)}>
          {t("data.unfilter")}
        </Button>
      )}
    </div>
  );
}

interface TypedProps {
  label: string;
  hint?: string;
  maxLength: number;
  value: string;
  onChange: (value: string) => void;
}

/** Takes effect by Enter or when it is left: a search looks at many images. */
function TypedField({ label, hint, maxLength, value, onChange }: TypedProps): ReactNode {
  const [typed, setTyped] = useState(value);
  const take = () => typed.trim() !== value && onChange(typed.trim());
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        take();
      }}
    >
      <Field label={label} {...(hint && { hint })}>
        <Input
          type="search"
          value={typed}
          maxLength={maxLength}
          onChange={(_, data) => setTyped(data.value)}
          onBlur={take}
        />
      </Field>
    </form>
  );
}
