import { Dialog, DialogSurface, makeStyles } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { chunk } from "@/ui/chunk";
import { Message } from "@/ui/Message";
import { useFocusBack } from "@/ui/useFocusBack";

const useStyles = makeStyles({ surface: { maxWidth: "560px" } });

interface Props {
  open: boolean;
  onClose: () => void;
  /** Has the focus afterwards where what had it before is gone. */
  focusAfter?: () => HTMLElement | null | undefined;
}

/** All keys, each to be changed: what a dialog holds. Loaded when somebody asks for it, which is rare. */
export const Keys = chunk(() => import("./Keys"), NotLoaded);

/** The keys in a dialog of their own. */
export function KeysDialog({ open, onClose, focusAfter }: Props): ReactNode {
  const styles = useStyles();
  useFocusBack(open, focusAfter);
  return (
    <Dialog open={open} onOpenChange={onClose}>
      <DialogSurface className={styles.surface}>
        <Keys onClose={onClose} />
      </DialogSurface>
    </Dialog>
  );
}

function NotLoaded(): ReactNode {
  const { t } = useTranslation();
  return (
    <Message icon="warning" title={t("error.unreachable")}>
      {t("error.unreachableText")}
    </Message>
  );
}
