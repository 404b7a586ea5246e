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
import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Annotation, LabelClass } from "@/api/types";
import { useFocusBack } from "@/ui/useFocusBack";

import { ClassChips } from "./ClassChips";

const useStyles = makeStyles({
  content: { display: "grid", gap: "12px" },
  text: { margin: 0 },
  picture: {
    position: "relative",
    height: "min(360px, 50dvh)",
    backgroundColor: tokens.colorNeutralBackground2,
  },
});

interface Props {
  /** What most said alike. */
  merged: readonly Annotation[];
  classes: readonly LabelClass[];
  busy: boolean;
  problem: string;
  draw: (annotations: readonly Annotation[]) => ReactNode;
  onMerge: () => void;
  onClose: () => void;
}

/** What comes of merging what several people said about an image, before it is done. */
export function MergeDialog(props: Props): ReactNode {
  const { merged, classes, busy, problem, draw, onMerge, onClose } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  useFocusBack(true);
  // What the key that opened it goes on with: the dialog itself gives its first button the focus.
  const doing = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const frame = requestAnimationFrame(() => doing.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!busy) onMerge();
          }}
        >
          <DialogBody>
            <DialogTitle>{t("quality.merge.title")}</DialogTitle>
            <DialogContent className={styles.content}>
              <p className={styles.text}>
                {merged.length
                  ? t("quality.merge.text", { count: merged.length })
                  : t("quality.merge.empty")}
              </p>
              <ClassChips ids={[...new Set(merged.map((one) => one.class_id))]} classes={classes} />
              <div className={styles.picture}>{draw(merged)}</div>
              {problem && <p role="alert">{problem}</p>}
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>{t("new.cancel")}</Button>
              <Button ref={doing} type="submit" appearance="primary" disabledFocusable={busy}>
                {t("quality.merge.do")}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
