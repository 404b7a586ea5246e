import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from "@fluentui/react-components";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { problemText } from "@/problems";

import { useFocusBack } from "./useFocusBack";

interface Props {
  title: string;
  /** What becomes of things when it is done. */
  text: string;
  /** The word on the button that does it. */
  action: string;
  act: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something is done that can't be taken back; says why where it fails, and stays. */
export function ConfirmDialog({ title, text, action, act, onClose }: Props): ReactNode {
  const { t } = useTranslation();
  useFocusBack(true);
  const done = useMutation({ mutationFn: act, onSuccess: onClose });
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{title}</DialogTitle>
          <DialogContent>
            {text}
            {done.isError && <p role="alert">{problemText(done.error)}</p>}
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>{t("new.cancel")}</Button>
            <Button
              appearance="primary"
              disabledFocusable={done.isPending}
              onClick={() => done.mutate()}
            >
              {action}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
