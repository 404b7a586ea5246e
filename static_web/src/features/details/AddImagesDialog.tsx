import {
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  MessageBar,
  MessageBarBody,
  tokens,
} from "@fluentui/react-components";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { formatBytes, formatNumber } from "@/format";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { ProgressBar } from "@/ui/ProgressBar";
import { ImagePicker } from "@/upload/ImagePicker";
import type { Chosen } from "@/upload/images";
import { refusalText } from "@/upload/refusal";
import type { UploadOutcome, UploadProgress } from "@/upload/upload";

const LISTED = 20;

const useStyles = makeStyles({
  surface: { maxWidth: "min(720px, 100vw - 32px)" },
  content: { display: "grid", gap: "12px" },
  list: { margin: "4px 0 0", paddingLeft: "20px", overflowWrap: "anywhere" },
  hint: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
});

interface Props {
  datasetId: string;
  /** Some are there now. */
  onStored: () => void;
  onClose: () => void;
}

/** More images for a project, uploaded into its dataset. */
export function AddImagesDialog({ datasetId, onStored, onClose }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [files, setFiles] = useState<Chosen[]>([]);
  const [progress, setProgress] = useState<UploadProgress | null>(null);
  const [left, setLeft] = useState<UploadOutcome | null>(null);
  const [overwrite, setOverwrite] = useState(false);
  const stopped = useRef(new AbortController());
  useEffect(() => () => stopped.current.abort(), []);
  const upload = useMutation({
    mutationFn: async (chosen: Chosen[]) => {
      stopped.current = new AbortController();
      const { uploadImages } = await import("@/upload/upload");
      return uploadImages(datasetId, chosen, setProgress, stopped.current.signal, overwrite);
    },
    onSuccess: (outcome) => {
      if (outcome.stored.length) onStored();
      announce(t("details.added", { count: outcome.stored.length }));
      if (outcome.refused.length || outcome.failed.length || outcome.differing.length) {
        setFiles([...outcome.failed, ...outcome.differing]);
        setLeft(outcome);
      } else onClose();
    },
    onSettled: () => setProgress(null),
  });
  const number = (value: number) => formatNumber(value, i18n.language);
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface className={styles.surface}>
        <DialogBody>
          <DialogTitle>{t("details.addImages")}</DialogTitle>
          <DialogContent className={styles.content}>
            <ImagePicker files={files} disabled={upload.isPending} onChange={setFiles} />
            <div>
              <Checkbox
                label={t("details.overwrite")}
                checked={overwrite}
                disabled={upload.isPending}
                onChange={(_, { checked }) => setOverwrite(checked === true)}
              />
              {overwrite && <div className={styles.hint}>{t("details.overwriteHint")}</div>}
            </div>
            {progress && (
              <div role="status">
                {t("new.uploading", {
                  done: number(progress.done),
                  files: number(progress.files),
                  bytes: formatBytes(progress.bytes, i18n.language),
                  all: formatBytes(progress.allBytes, i18n.language),
                })}
                <ProgressBar
                  total={progress.allBytes}
                  parts={[{ count: progress.bytes, color: tokens.colorBrandBackground }]}
                />
              </div>
            )}
            {left && (
              <MessageBar intent="warning" layout="multiline">
                <MessageBarBody>
                  {t("new.partly", {
                    stored: number(left.stored.length),
                    missing: number(
                      left.refused.length + left.failed.length + left.differing.length,
                    ),
                  })}
                  <ul className={styles.list}>
                    {left.refused.slice(0, LISTED).map(({ path, ...said }) => (
                      <li key={path}>{t("new.refusedFile", { path, why: refusalText(said) })}</li>
                    ))}
                    {left.differing.slice(0, LISTED).map(({ path }) => (
                      <li key={path}>{t("details.differs", { path })}</li>
                    ))}
                    {left.failed.slice(0, LISTED).map(({ path }) => (
                      <li key={path}>{t("new.failedFile", { path })}</li>
                    ))}
                  </ul>
                </MessageBarBody>
              </MessageBar>
            )}
            {upload.isError && (
              <MessageBar intent="error" layout="multiline">
                <MessageBarBody>{problemText(upload.error)}</MessageBarBody>
              </MessageBar>
            )}
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>{t("new.cancel")}</Button>
            <Button
              appearance="primary"
              disabledFocusable={!files.length || upload.isPending}
              onClick={() => upload.mutate(files)}
            >
              {t("details.upload")}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
