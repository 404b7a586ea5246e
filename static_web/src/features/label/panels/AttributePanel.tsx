import { Input, makeStyles, Select, tokens } from "@fluentui/react-components";
import { useId, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Annotation, Attribute } from "@/api/types";
import { sharedValue, type AttributeValue } from "@/attributes";

const useStyles = makeStyles({
  panel: {
    display: "grid",
    gap: "6px",
    padding: "4px 12px 8px",
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  heading: { margin: 0, fontSize: "12px", lineHeight: "16px", fontWeight: 600 },
  field: { display: "grid", gap: "2px", minWidth: 0 },
  label: { fontSize: "12px", lineHeight: "16px", overflowWrap: "anywhere" },
  required: { color: tokens.colorStatusDangerForeground1 },
  control: {
    minWidth: 0,
    width: "100%",
    "& select, & input": {
      minWidth: 0,
      "@media (pointer: coarse)": { minHeight: "44px" },
    },
  },
});

interface Props {
  /** What it is about, in words. */
  title: string;
  attributes: readonly Attribute[];
  /** The annotations that what is said here is said of; all of one class. */
  about: readonly Annotation[];
  closed: boolean;
  onSay: (name: string, value: AttributeValue | undefined) => void;
  /** The keyboard goes back to the image. */
  onLeave: () => void;
}

/** What a class asks of the annotations in hand. */
export function AttributePanel(props: Props): ReactNode {
  const { title, attributes, about, closed, onSay, onLeave } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.key === "Escape" && !event.nativeEvent.isComposing) onLeave();
  };
  return (
    <section aria-label={t("attributes.title")} className={styles.panel}>
      <h3 className={styles.heading}>{title}</h3>
      {attributes.map((one) => (
        <AttributeField
          key={`${one.name} ${about.map(({ annotation_id: id }) => id).join()}`}
          attribute={one}
          value={sharedValue(about, one)}
          closed={closed}
          onSay={(value) => onSay(one.name, value)}
          onKeyDown={onKeyDown}
        />
      ))}
    </section>
  );
}

interface FieldProps {
  attribute: Attribute;
  value: AttributeValue | undefined;
  closed: boolean;
  onSay: (value: AttributeValue | undefined) => void;
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
}

function AttributeField({ attribute, value, closed, onSay, onKeyDown }: FieldProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const id = useId();
  const { name, kind, required } = attribute;
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {name}
        {required && (
          <span className={styles.required} aria-hidden="true">
            {" *"}
          </span>
        )}
      </label>
      {kind === "choice" || kind === "yes_no" ? (
        <Select
          id={id}
          size="small"
          className={styles.control}
          required={required}
          disabled={closed}
          value={value === undefined ? "" : String(value)}
          onKeyDown={onKeyDown}
          onChange={(_, { value: chosen }) =>
            onSay(chosen === "" ? undefined : kind === "choice" ? chosen : chosen === "true")
          }
        >
          <option value="">{t("attributes.notSaid")}</option>
          {kind === "yes_no" ? (
            <>
              <option value="true">{t("attributes.yes")}</option>
              <option value="false">{t("attributes.no")}</option>
            </>
          ) : (
            attribute.choices.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))
          )}
        </Select>
      ) : (
        <Typed id={id} kind={kind} value={value} {...{ required, closed, onSay, onKeyDown }} />
      )}
    </div>
  );
}

const MOST = 1000;

/** A number or a line of text. It is said when it is left, or by Enter. */
function Typed({
  id,
  kind,
  value,
  required,
  closed,
  onSay,
  onKeyDown,
}: Omit<FieldProps, "attribute"> & {
  id: string;
  kind: "number" | "text";
  required: boolean;
}): ReactNode {
  const styles = useStyles();
  const kept = value === undefined ? "" : String(value);
  const [typed, setTyped] = useState({ from: kept, text: kept });
  if (typed.from !== kept) setTyped({ from: kept, text: kept });
  const say = (): void => {
    const text = typed.text.trim();
    if (text === kept) return;
    const number = Number(text);
    if (text === "") onSay(undefined);
    else if (kind === "text") onSay(text);
    else if (Number.isFinite(number)) onSay(number);
    else setTyped({ from: kept, text: kept });
  };
  return (
    <Input
      id={id}
      size="small"
      className={styles.control}
      type={kind}
      {...(kind === "number" && { step: "any" })}
      maxLength={MOST}
      required={required}
      disabled={closed}
      value={typed.text}
      onChange={(_, { value: text }) => setTyped({ from: kept, text })}
      onBlur={say}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.nativeEvent.isComposing) say();
        else onKeyDown(event);
      }}
    />
  );
}

/** The keyboard goes to the first field, or to the first that has to be filled in. */
export function focusField(panels: HTMLElement | null): boolean {
  const fields = [...(panels?.querySelectorAll<HTMLSelectElement>("select, input") ?? [])];
  const wanted = fields.find((one) => one.required && one.value === "") ?? fields[0];
  wanted?.focus();
  return wanted !== undefined;
}
