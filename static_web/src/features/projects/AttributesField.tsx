import {
  Button,
  Checkbox,
  Input,
  makeStyles,
  Select,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Attribute } from "@/api/types";
import { FieldGroup } from "@/ui/FieldGroup";
import { Icon } from "@/ui/Icon";

const MOST = 20;
const KINDS = ["choice", "yes_no", "number", "text"] as const;

const useStyles = makeStyles({
  list: { display: "grid", gap: "8px", margin: 0, padding: 0, listStyleType: "none" },
  one: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr) auto auto",
    alignItems: "center",
    gap: "8px",
    paddingBottom: "8px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 560px)": { gridTemplateColumns: "minmax(0, 1fr) auto" },
  },
  control: { minWidth: 0 },
  choices: { gridColumn: "1 / -1" },
  add: { justifySelf: "start" },
});

interface Props {
  attributes: readonly Attribute[];
  problem: string | undefined;
  onChange: (attributes: Attribute[]) => void;
}

/** What a class asks of each of its annotations. */
export function AttributesField({ attributes, problem, onChange }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const change = (at: number, to: Partial<Attribute>): void =>
    onChange(attributes.map((one, place) => (place === at ? { ...one, ...to } : one)));
  return (
    <FieldGroup
      legend={t("classes.attributes")}
      hint={t("classes.attributesHint")}
      problem={problem}
    >
      <ul className={styles.list} aria-label={t("classes.attributes")}>
        {attributes.map((one, at) => (
          <li key={at} className={styles.one}>
            <Input
              className={styles.control}
              aria-label={t("classes.attributeName", { number: at + 1 })}
              placeholder={t("classes.attributeName", { number: at + 1 })}
              maxLength={200}
              value={one.name}
              onChange={(_, { value }) => change(at, { name: value })}
            />
            <Select
              className={styles.control}
              aria-label={t("classes.attributeKind", { number: at + 1 })}
              value={one.kind}
              onChange={(_, { value }) => {
                const kind = KINDS.find((each) => each === value) ?? "text";
                change(at, { kind, choices: kind === "choice" ? one.choices : [] });
              }}
            >
              {KINDS.map((kind) => (
                <option key={kind} value={kind}>
                  {t(`classes.kinds.${kind}`)}
                </option>
              ))}
            </Select>
            <Checkbox
              label={t("classes.required")}
              checked={one.required}
              onChange={(_, { checked }) => change(at, { required: checked === true })}
            />
            <Button
              appearance="subtle"
              icon={<Icon name="trash" />}
              aria-label={t("classes.removeAttribute", { name: one.name || at + 1 })}
              onClick={() => onChange(attributes.filter((_, place) => place !== at))}
            />
            {one.kind === "choice" && (
              <Textarea
                className={styles.choices}
                aria-label={t("classes.choices", { number: at + 1 })}
                placeholder={t("classes.choices", { number: at + 1 })}
                resize="vertical"
                value={one.choices.join("\n")}
                onChange={(_, { value }) => change(at, { choices: value.split("\n") })}
              />
            )}
          </li>
        ))}
        {attributes.length < MOST && (
          <li className={styles.add}>
            <Button
              icon={<Icon name="add" />}
              onClick={() =>
                onChange([
                  ...attributes,
                  { name: "", kind: "choice", required: false, choices: [] },
                ])
              }
            >
              {t("classes.addAttribute")}
            </Button>
          </li>
        )}
      </ul>
    </FieldGroup>
  );
}

/** As they are sent: without lines that say nothing. */
export function tidy(attributes: readonly Attribute[]): Attribute[] {
  return attributes.map((one) => ({
    ...one,
    name: one.name.trim(),
    choices: one.choices.map((each) => each.trim()).filter(Boolean),
  }));
}
