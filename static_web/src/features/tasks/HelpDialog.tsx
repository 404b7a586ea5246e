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

import { boundPlaces, groups, inForce } from "@/commands";
import { shownKey, useKeyMap } from "@/keyMap";
import { Keys } from "@/ui/KeysDialog";
import { useFocusBack } from "@/ui/useFocusBack";

const useStyles = makeStyles({
  surface: { maxWidth: "720px" },
  groups: {
    display: "grid",
    gridTemplateColumns: "1fr 1fr",
    gap: "20px 40px",
    paddingTop: "12px",
    "@media (max-width: 640px)": { gridTemplateColumns: "1fr" },
  },
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
  /** One class an image: there is no "nothing here". */
  many: boolean;
  onClose: () => void;
  /** Has the focus afterwards where what had it before is gone. */
  focusAfter: () => HTMLElement | null | undefined;
}

/** All keys of the labeling page, from the list that binds them. */
export function HelpDialog({ open, place = "grid", many, onClose, focusAfter }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const map = useKeyMap();
  const [changing, setChanging] = useState(false);
  useFocusBack(open, focusAfter);
  const here = inForce(place).filter(
    (one) => boundPlaces.has(one.place) && (many || one.id !== "nothing"),
  );
  const shown = groups.filter((group) => here.some((one) => one.group === group));
  const close = (): void => {
    setChanging(false);
    onClose();
  };
  return (
    <Dialog open={open} onOpenChange={close}>
      <DialogSurface className={styles.surface}>
        {changing ? (
          <Keys onClose={close} />
        ) : (
          <DialogBody>
            <DialogTitle>{t("help.title")}</DialogTitle>
            <DialogContent className={styles.groups}>
              {shown.map((group) => (
                <section key={group}>
                  <h3 className={styles.heading}>{t(`help.${group}`)}</h3>
                  <dl className={styles.list}>
                    {here
                      .filter((one) => one.group === group)
                      .map(({ id }) => (
                        <div key={id} className={styles.row}>
                          <dt>{t(`commands.${id}`)}</dt>
                          <dd className={styles.keys}>
                            <kbd className={styles.key}>
                              {shownKey(map, id).name || t("help.none")}
                            </kbd>
                          </dd>
                        </div>
                      ))}
                  </dl>
                </section>
              ))}
            </DialogContent>
            <DialogActions>
              <Button onClick={() => setChanging(true)}>{t("keys.title")}</Button>
              <Button appearance="primary" onClick={close}>
                {t("help.close")}
              </Button>
            </DialogActions>
          </DialogBody>
        )}
      </DialogSurface>
    </Dialog>
  );
}
