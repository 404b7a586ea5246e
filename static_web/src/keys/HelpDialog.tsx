import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { boundPlaces, groups, inForce, type CommandId } from "./commands";
import { shownKey, useKeyMap } from "./keyMap";
import { Keys } from "./KeysDialog";
import { useFocusBack } from "@/ui/useFocusBack";

const useStyles = makeStyles({
  surface: { maxWidth: "min(1080px, calc(100vw - 32px))", width: "max-content" },
  groups: { columnWidth: "280px", columnCount: 3, columnGap: "40px", padding: "12px 6px 0" },
  group: { breakInside: "avoid", marginBottom: "20px" },
  heading: { margin: "0 0 6px", fontSize: "14px", lineHeight: "20px", fontWeight: 600 },
  list: { margin: 0 },
  row: {
    display: "flex",
    justifyContent: "space-between",
    gap: "16px",
    padding: "4px 0",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
  },
  keys: { margin: 0, color: tokens.colorNeutralForeground2, whiteSpace: "nowrap" },
  key: { fontFamily: "inherit" },
});

interface Props {
  open: boolean;
  place?: "grid" | "canvas";
  /** What there is not, for this type of project. */
  without: ReadonlySet<CommandId>;
  onClose: () => void;
  /** Has the focus afterwards where what had it before is gone. */
  focusAfter: () => HTMLElement | null | undefined;
}

/** All keys of the labeling page, from the list that binds them. */
export function HelpDialog({
  open,
  place = "grid",
  without,
  onClose,
  focusAfter,
}: Props): ReactNode {
  const styles = useStyles();
  useFocusBack(open, focusAfter);
  return (
    <Dialog open={open} onOpenChange={onClose}>
      <DialogSurface className={styles.surface}>
        <Help place={place} without={without} onClose={onClose} />
      </DialogSurface>
    </Dialog>
  );
}

/** Apart, so that nothing of it is worked out while the dialog is closed. */
function Help({
  place,
  without,
  onClose,
}: Required<Omit<Props, "open" | "focusAfter">>): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const map = useKeyMap();
  const [changing, setChanging] = useState(false);
  const here = inForce(place).filter((one) => boundPlaces.has(one.place) && !without.has(one.id));
  const shown = groups.filter((group) => here.some((one) => one.group === group));
  if (changing) return <Keys onClose={onClose} />;
  return (
    <DialogBody>
      <DialogTitle>{t("help.title")}</DialogTitle>
      {/* A region that scrolls has to be reached by the keyboard. */}
      <DialogContent className={styles.groups} tabIndex={0}>
        {shown.map((group) => (
          <section key={group} className={styles.group}>
            <h3 className={styles.heading}>{t(`help.${group}`)}</h3>
            <dl className={styles.list}>
              {here
                .filter((one) => one.group === group)
                .map(({ id }) => (
                  <div key={id} className={styles.row}>
                    <dt>{t(`commands.${id}`)}</dt>
                    <dd className={styles.keys}>
                      <kbd className={styles.key}>{shownKey(map, id).name || t("help.none")}</kbd>
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </DialogContent>
      <DialogActions>
        <Button onClick={() => setChanging(true)}>{t("keys.title")}</Button>
        <Button appearance="primary" onClick={onClose}>
          {t("help.close")}
        </Button>
      </DialogActions>
    </DialogBody>
  );
}
