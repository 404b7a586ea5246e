import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

import { ClassMark } from "./ClassMark";

const useStyles = makeStyles({
  root: { display: "inline-flex", alignItems: "baseline", gap: "6px", minWidth: 0 },
  group: { color: tokens.colorNeutralForeground3, fontWeight: 400 },
});

interface Props {
  /** Its path, such as `Animal/Cat`. */
  name: string;
  colour: number;
  className?: string;
}

/** A class by its mark and its whole name, groups quieter than the class itself. */
export function ClassName({ name, colour, className }: Props): ReactNode {
  const styles = useStyles();
  const end = name.lastIndexOf("/") + 1;
  return (
    <span className={mergeClasses(styles.root, className)}>
      <ClassMark colour={colour} />
      <span>
        {end > 0 && (
          <span className={styles.group}>{name.slice(0, end).replaceAll("/", " / ")}</span>
        )}
        {name.slice(end)}
      </span>
    </span>
  );
}
