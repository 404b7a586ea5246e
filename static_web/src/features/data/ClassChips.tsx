import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

import type { LabelClass } from "@/api/types";
import { ClassMark } from "@/ui/ClassMark";

const useStyles = makeStyles({
  root: { display: "flex", flexWrap: "wrap", gap: "2px 10px", minWidth: 0 },
  chip: { display: "inline-flex", alignItems: "center", gap: "6px", minWidth: 0, maxWidth: "100%" },
  name: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  note: { color: tokens.colorNeutralForeground3, fontSize: "12px", overflowWrap: "anywhere" },
});

interface Props {
  ids: readonly string[];
  /** What else is to be said of each; empty: nothing. */
  notes?: readonly string[];
  classes: readonly LabelClass[];
}

/** Classes by mark and name, without their groups. */
export function ClassChips({ ids, notes = [], classes }: Props): ReactNode {
  const styles = useStyles();
  return (
    <span className={styles.root}>
      {ids.map((id, at) => {
        const known = classes.find((one) => one.class_id === id);
        const name = known?.name ?? id;
        const note = notes[at] ?? "";
        return (
          <span key={`${id} ${note}`} className={styles.chip}>
            <ClassMark colour={known?.colour ?? 0} />
            <span className={styles.name} title={name}>
              {name.slice(name.lastIndexOf("/") + 1)}
            </span>
            {note && <span className={styles.note}>{note}</span>}
          </span>
        );
      })}
    </span>
  );
}
