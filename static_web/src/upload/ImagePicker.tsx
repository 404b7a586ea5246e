import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useMemo, useRef, useState, type DragEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { formatBytes, formatNumber } from "@/format";
import { Icon } from "@/ui/Icon";
import { ACCEPT, chosenFiles, droppedFiles, mediaOf, type Chosen } from "./images";

const THUMBNAILS = 12;
const NAMED = 50;
const SHOWN_BY_BROWSERS = new Set([mediaOf(".jpg"), mediaOf(".png"), mediaOf(".bmp")]);

const useStyles = makeStyles({
  drop: {
    display: "grid",
    justifyItems: "center",
    gap: "12px",
    padding: "28px 16px",
    border: `1px dashed ${tokens.colorNeutralStroke1}`,
    borderRadius: "6px",
    textAlign: "center",
    color: tokens.colorNeutralForeground2,
  },
  over: {
    backgroundColor: tokens.colorBrandBackground2,
    border: `1px dashed ${tokens.colorCompoundBrandStroke}`,
  },
  buttons: { display: "flex", flexWrap: "wrap", justifyContent: "center", gap: "8px" },
  found: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "4px 12px",
    marginTop: "12px",
  },
  count: { fontWeight: 600 },
  quiet: { color: tokens.colorNeutralForeground3 },
  summary: { minHeight: "44px", lineHeight: "44px", cursor: "pointer" },
  names: { margin: "0", paddingLeft: "20px", overflowWrap: "anywhere" },
  thumbnails: {
    display: "grid",
    gridTemplateColumns: "repeat(12, minmax(0, 1fr))",
    gap: "4px",
    marginTop: "12px",
    "@media (max-width: 720px)": { gridTemplateColumns: "repeat(6, minmax(0, 1fr))" },
  },
  thumbnail: {
    width: "100%",
    aspectRatio: "1",
    objectFit: "contain",
    backgroundColor: tokens.colorNeutralBackground3,
    borderRadius: "4px",
  },
});

interface Props {
  files: Chosen[];
  disabled: boolean;
  onChange: (files: Chosen[]) => void;
}

/** Files or a folder to upload, chosen or dropped; says at once what was found. */
export function ImagePicker({ files, disabled, onChange }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [over, setOver] = useState(false);
  const [skipped, setSkipped] = useState<string[]>([]);
  const fileInput = useRef<HTMLInputElement>(null);
  const folderInput = useRef<HTMLInputElement>(null);
  const thumbnails = useMemo(
    () =>
      files
        .filter(({ path }) => SHOWN_BY_BROWSERS.has(mediaOf(path)))
        .slice(0, THUMBNAILS)
        .map(({ path, file }) => ({ path, ref: thumbnail(file) })),
    [files],
  );
  const bytes = useMemo(() => files.reduce((sum, { file }) => sum + file.size, 0), [files]);

  const add = (chosen: Chosen[]): void => {
    const byPath = new Map(files.map((one) => [one.path, one]));
    for (const one of chosen) if (mediaOf(one.path)) byPath.set(one.path, one);
    const others = chosen.filter((one) => !mediaOf(one.path)).map((one) => one.path);
    setSkipped([...new Set([...skipped, ...others])]);
    onChange([...byPath.values()]);
  };
  const drop = async (event: DragEvent): Promise<void> => {
    event.preventDefault();
    setOver(false);
    if (!disabled) add(await droppedFiles(event.dataTransfer.items));
  };
  return (
    <>
      {/* Dropping is a short cut for the buttons inside. */}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions */}
      <div
        className={mergeClasses(styles.drop, over && styles.over)}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <Icon name="upload" size={32} />
        <span>{t("pick.drop")}</span>
        <div className={styles.buttons}>
          <Button
            icon={<Icon name="file" />}
            disabled={disabled}
            onClick={() => fileInput.current?.click()}
          >
            {t("pick.files")}
          </Button>
          <Button
            icon={<Icon name="folder" />}
            disabled={disabled}
            onClick={() => folderInput.current?.click()}
          >
            {t("pick.folder")}
          </Button>
        </div>
        <input
          ref={fileInput}
          type="file"
          hidden
          multiple
          accept={ACCEPT}
          aria-label={t("pick.files")}
          data-testid="file-input"
          onChange={({ target }) => {
            if (target.files) add(chosenFiles(target.files));
            target.value = "";
          }}
        />
        <input
          ref={folderInput}
          type="file"
          hidden
          multiple
          webkitdirectory=""
          aria-label={t("pick.folder")}
          data-testid="folder-input"
          onChange={({ target }) => {
            if (target.files) add(chosenFiles(target.files));
            target.value = "";
          }}
        />
        <span className={styles.quiet}>{t("pick.kinds")}</span>
      </div>
      {(files.length > 0 || skipped.length > 0) && (
        <div className={styles.found} role="status">
          <span className={styles.count} data-testid="files-found">
            {t("pick.found", {
              count: files.length,
              size: formatBytes(bytes, i18n.language),
            })}
          </span>
          {skipped.length > 0 && (
            <details className={styles.quiet} data-testid="files-skipped">
              <summary className={styles.summary}>
                {t("pick.skipped", { files: formatNumber(skipped.length, i18n.language) })}
              </summary>
              <ul className={styles.names}>
                {skipped.slice(0, NAMED).map((path) => (
                  <li key={path}>{path}</li>
                ))}
                {skipped.length > NAMED && <li aria-hidden>…</li>}
              </ul>
            </details>
          )}
          <Button
            size="small"
            appearance="subtle"
            disabled={disabled}
            onClick={() => {
              setSkipped([]);
              onChange([]);
            }}
          >
            {t("pick.clear")}
          </Button>
        </div>
      )}
      {thumbnails.length > 0 && (
        <div className={styles.thumbnails} aria-hidden>
          {thumbnails.map(({ path, ref }) => (
            <img key={path} ref={ref} alt="" className={styles.thumbnail} />
          ))}
        </div>
      )}
    </>
  );
}

function thumbnail(file: File) {
  return (image: HTMLImageElement | null) => {
    if (!image) return;
    const url = URL.createObjectURL(file);
    image.src = url;
    return () => URL.revokeObjectURL(url);
  };
}
