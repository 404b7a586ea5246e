import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass } from "@/api/types";
import { useFocusBack } from "@/ui/useFocusBack";

import type { Restating } from "./deeds";
import { RestateFields, restating } from "./RestateFields";

interface Props {
  what: Restating["what"];
  count: number;
  classes: readonly LabelClass[];
  busy: boolean;
  problem: string;
  onSend: (deed: Restating) => void;
  onClose: () => void;
}

/** What the labels of these images shall be instead. */
export function RestateDialog(props: Props): ReactNode {
  const { what, count, classes, busy, problem, onSend, onClose } = props;
  const { t } = useTranslation();
  const [value, setValue] = useState(() => restating(what, classes));
  useFocusBack(true);
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!busy) onSend(value);
          }}
        >
          <DialogBody>
            <DialogTitle>{t(`data.${what}Title`, { count })}</DialogTitle>
            <DialogContent>
              <RestateFields value={value} classes={classes} onChange={setValue} />
              {problem && <p role="alert">{problem}</p>}
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>{t("new.cancel")}</Button>
              <Button type="submit" appearance="primary" disabledFocusable={busy}>
                {t(`data.${what}`)}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
