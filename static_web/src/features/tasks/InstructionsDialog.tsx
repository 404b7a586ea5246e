import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Link,
  makeStyles,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Project } from "@/api/types";

const useStyles = makeStyles({
  text: { whiteSpace: "pre-wrap", margin: "0 0 12px", maxWidth: "68ch" },
});

interface Props {
  project: Project;
  open: boolean;
  onClose: () => void;
}

export function InstructionsDialog({ project, open, onClose }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const { text, link } = project.instructions;
  return (
    <Dialog open={open} onOpenChange={onClose}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{t("instructions.title")}</DialogTitle>
          <DialogContent>
            <p className={styles.text}>{text || t("instructions.none")}</p>
            {link && (
              <Link href={link} target="_blank" rel="noreferrer">
                {t("instructions.more")}
              </Link>
            )}
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={onClose}>
              {t("instructions.start")}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

const SEEN = "labelry.instructions.";

/** Whether these instructions were read here before; changed ones are new. */
export function instructionsAreNew(project: Project): boolean {
  const { text, link } = project.instructions;
  const seen = localStorage.getItem(SEEN + project.project_id);
  return Boolean(text || link) && seen !== String(project.instructions_version);
}

export function rememberInstructions(project: Project): void {
  localStorage.setItem(SEEN + project.project_id, String(project.instructions_version));
}
