import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

const useStyles = makeStyles({
  group: { border: 0, margin: 0, padding: 0, minWidth: 0 },
  legend: { padding: 0 },
  hint: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
  problem: { color: tokens.colorPaletteRedForeground1, fontSize: tokens.fontSizeBase200 },
});

interface Props {
  legend: string;
  hint?: string;
  problem?: string | undefined;
  children: ReactNode;
}

/** Several controls under one heading. Not a Field, which gives all that is in it one id: that of the first. */
export function FieldGroup({ legend, hint, problem, children }: Props): ReactNode {
  const styles = useStyles();
  return (
    <fieldset className={styles.group}>
      <legend className={styles.legend}>{legend}</legend>
      {hint && <span className={styles.hint}>{hint}</span>}
      {children}
      {problem && (
        <span role="alert" className={styles.problem}>
          {problem}
        </span>
      )}
    </fieldset>
  );
}
