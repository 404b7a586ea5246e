import { Button, Field, Input, makeStyles, Select, tokens } from "@fluentui/react-components";
import { useId, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Assignment, LabelClass } from "@/api/types";
import { formatPercent } from "@/format";
import { Icon } from "@/ui/Icon";

import { NumberSelect } from "./SettingsForm";

const SHARES = [0.05, 0.1, 0.2, 0.25, 0.5, 1];
const kinds = ["folder", "class", "share"] as const;
type Kind = (typeof kinds)[number];

const useStyles = makeStyles({
  rules: { gridColumn: "1 / -1", display: "grid", gap: "16px", margin: 0, padding: 0 },
  rule: {
    display: "grid",
    gap: "8px",
    gridTemplateColumns: "repeat(3, minmax(0, 1fr)) auto",
    alignItems: "end",
    listStyle: "none",
    "@media (max-width: 640px)": { gridTemplateColumns: "minmax(0, 1fr)" },
    "@media (pointer: coarse)": { "& button": { minWidth: "44px", minHeight: "44px" } },
    "& input": { minWidth: 0, width: "100%" },
  },
  deeds: { display: "flex", justifyContent: "flex-end" },
  up: { display: "flex", transform: "rotate(180deg)" },
  quiet: { gridColumn: "1 / -1", color: tokens.colorNeutralForeground3, margin: 0 },
});

const empty = (tag: string): Assignment => ({ tag, folder: null, class_id: null, share: null });

function kindOf(rule: Assignment): Kind {
  return rule.folder !== null ? "folder" : rule.share !== null ? "share" : "class";
}

interface Props {
  rules: readonly Assignment[];
  classes: readonly Pick<LabelClass, "class_id" | "name" | "merged_into">[];
  /** Tags that somebody carries. */
  tags: readonly string[];
  disabled?: boolean;
  onChange: (rules: Assignment[]) => void;
}

/** Which images are for those with a tag alone: rules of which the first that fits counts. */
export function AssignmentRules(props: Props): ReactNode {
  const { rules, classes, tags, disabled = false, onChange } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const known = useId();
  return (
    <>
      {rules.length > 0 && (
        <ol className={styles.rules} aria-label={t("assignment.rules")}>
          {rules.map((rule, at) => (
            <Rule
              key={at}
              classes={classes}
              rule={rule}
              at={at}
              known={known}
              disabled={disabled}
              onChange={(next) => onChange(rules.map((one, n) => (n === at ? next : one)))}
              onRemove={() => onChange(rules.filter((_, n) => n !== at))}
              onUp={() =>
                onChange([
                  ...rules.slice(0, at - 1),
                  rule,
                  ...rules.slice(at - 1, at),
                  ...rules.slice(at + 1),
                ])
              }
            />
          ))}
        </ol>
      )}
      <datalist id={known}>
        {tags.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <div>
        <Button
          icon={<Icon name="add" size={16} />}
          disabled={disabled}
          onClick={() => onChange([...rules, { ...empty(""), folder: "" }])}
        >
          {t("assignment.add")}
        </Button>
      </div>
      {rules.length > 1 && <p className={styles.quiet}>{t("assignment.order")}</p>}
    </>
  );
}

interface RuleProps {
  classes: Props["classes"];
  rule: Assignment;
  at: number;
  /** The list of tags that somebody carries. */
  known: string;
  disabled: boolean;
  onChange: (rule: Assignment) => void;
  onRemove: () => void;
  onUp: () => void;
}

function Rule(props: RuleProps): ReactNode {
  const { classes, rule, at, known, disabled, onChange, onRemove, onUp } = props;
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const kind = kindOf(rule);
  const offered = classes.filter((one) => !one.merged_into);
  const named = classes.find((one) => one.class_id === rule.class_id);
  const became: Record<Kind, Partial<Assignment>> = {
    folder: { folder: "" },
    class: { class_id: offered[0]?.class_id ?? "" },
    share: { share: 0.1 },
  };
  return (
    <li className={styles.rule}>
      <Field label={t("assignment.tag")}>
        <Input
          value={rule.tag}
          maxLength={60}
          list={known}
          disabled={disabled}
          onChange={(_, data) => onChange({ ...rule, tag: data.value })}
        />
      </Field>
      <Field label={t("assignment.by")}>
        <Select
          value={kind}
          disabled={disabled}
          onChange={(_, data) =>
            onChange({
              ...empty(rule.tag),
              ...became[kinds.find((one) => one === data.value) ?? kind],
            })
          }
        >
          {kinds.map((one) => (
            <option key={one} value={one}>
              {t(`assignment.kinds.${one}`)}
            </option>
          ))}
        </Select>
      </Field>
      {kind === "folder" && (
        <Field label={t("assignment.folder")}>
          <Input
            value={rule.folder ?? ""}
            maxLength={1024}
            disabled={disabled}
            onChange={(_, data) => onChange({ ...rule, folder: data.value })}
          />
        </Field>
      )}
      {kind === "class" && (
        <Field label={t("assignment.class")}>
          <Select
            value={named?.merged_into || (rule.class_id ?? "")}
            disabled={disabled}
            onChange={(_, data) => onChange({ ...rule, class_id: data.value })}
          >
            {!named && <option value={rule.class_id ?? ""}>{rule.class_id}</option>}
            {offered.map((one) => (
              <option key={one.class_id} value={one.class_id}>
                {one.name}
              </option>
            ))}
          </Select>
        </Field>
      )}
      {kind === "share" && (
        <NumberSelect
          label={t("assignment.share")}
          value={rule.share ?? 0}
          options={SHARES}
          text={(one) => formatPercent(one, i18n.language)}
          disabled={disabled}
          onChange={(share) => onChange({ ...rule, share })}
        />
      )}
      <div className={styles.deeds}>
        {at > 0 && (
          <Button
            appearance="subtle"
            icon={
              <span className={styles.up}>
                <Icon name="chevron" size={16} />
              </span>
            }
            aria-label={t("assignment.up", { number: at + 1 })}
            disabled={disabled}
            onClick={onUp}
          />
        )}
        <Button
          appearance="subtle"
          icon={<Icon name="clear" size={16} />}
          aria-label={t("assignment.remove", { number: at + 1 })}
          disabled={disabled}
          onClick={onRemove}
        />
      </div>
    </li>
  );
}
