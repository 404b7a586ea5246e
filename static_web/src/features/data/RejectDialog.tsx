import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  makeStyles,
  Radio,
  RadioGroup,
  tokens,
} from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useFocusBack } from "@/ui/useFocusBack";

import type { Deed } from "./deeds";

const useStyles = makeStyles({
  content: { display: "grid", gap: "12px" },
  problem: { margin: 0, color: tokens.colorStatusDangerForeground1 },
});

type To = Extract<Deed, { what: "reject" }>["to"];

interface Props {
  what: "reject" | "answer" | "leave_out";
  count: number;
  busy: boolean;
  problem: string;
  onSend: (deed: Deed) => void;
  onClose: () => void;
}

/** What goes with images: why they go back and to whom, the answer to whoever asked, or why they are left out. */
export function RejectDialog({ what, count, busy, problem, onSend, onClose }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [reason, setReason] = useState("");
  const [to, setTo] = useState<To>("same_labeler");
  useFocusBack(true);
  const text = reason.trim();
  const missing = what === "answer" && !text;
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (busy || missing) return;
            if (what === "answer") onSend({ what, answer: text });
            else if (what === "leave_out") onSend({ what, reason: text });
            else onSend({ what, reason: text, to });
          }}
        >
          <DialogBody>
            <DialogTitle>{t(`data.${what}Title`, { count })}</DialogTitle>
            <DialogContent className={styles.content}>
              <Field label={t(`data.${what}Text`)} hint={t(`data.${what}Hint`)}>
                <Input
                  value={reason}
                  maxLength={2_000}
                  autoComplete="off"
                  onChange={(_, data) => setReason(data.value)}
                />
              </Field>
              {what === "reject" && (
                <Field label={t("data.to")}>
                  <RadioGroup value={to} onChange={(_, data) => setTo(data.value as To)}>
                    <Radio value="same_labeler" label={t("data.toSame")} />
                    <Radio value="anyone" label={t("data.toAnyone")} />
                  </RadioGroup>
                </Field>
              )}
              {problem && (
                <p role="alert" className={styles.problem}>
                  {problem}
                </p>
              )}
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>{t("new.cancel")}</Button>
              <Button type="submit" appearance="primary" disabledFocusable={busy || missing}>
                {t(`data.${what}`)}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
