import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useId, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { ClassList } from "@/api/types";
import { COLOURS } from "@/classColors";
import { ClassMark } from "@/ui/ClassMark";

const useStyles = makeStyles({
  root: { display: "grid", gap: "4px", border: "none", margin: 0, padding: 0, minWidth: 0 },
  title: { padding: 0 },
  colours: { display: "flex", flexWrap: "wrap", gap: "2px" },
  colour: {
    display: "inline-flex",
    padding: "6px",
    borderRadius: tokens.borderRadiusMedium,
    border: "2px solid transparent",
    cursor: "pointer",
    "&:has(input:focus-visible)": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  chosen: { border: `2px solid ${tokens.colorNeutralForeground1}` },
  input: { position: "absolute", opacity: 0, width: 0, height: 0 },
  hint: { color: tokens.colorNeutralForeground3, fontSize: "12px", minHeight: "16px" },
});

interface Props {
  colour: number;
  others: ClassList["items"];
  onChange: (colour: number) => void;
}

/** One of the colours that can be told apart. One that another class has is exchanged with it. */
export function ColourChoice({ colour, others, onChange }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const name = useId();
  const ownerOf = (place: number) => others.find((one) => one.colour === place)?.name;
  const owner = ownerOf(colour);
  return (
    <fieldset className={styles.root}>
      <legend className={styles.title}>{t("classes.colour")}</legend>
      <div className={styles.colours}>
        {Array.from({ length: COLOURS }, (_, place) => {
          const has = ownerOf(place);
          const label = has
            ? t("classes.colourOf", { number: place + 1, name: has })
            : t("classes.colourFree", { number: place + 1 });
          return (
            <label
              key={place}
              title={label}
              className={mergeClasses(styles.colour, place === colour && styles.chosen)}
            >
              <input
                type="radio"
                name={name}
                className={styles.input}
                aria-label={label}
                checked={place === colour}
                onChange={() => onChange(place)}
              />
              <ClassMark colour={place} size={20} />
            </label>
          );
        })}
      </div>
      <span className={styles.hint} role="status">
        {owner && t("classes.colourExchanged", { name: owner })}
      </span>
    </fieldset>
  );
}
