import {
  makeStyles,
  MessageBar,
  MessageBarBody,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { formatBytes, formatNumber } from "@/format";
import { problemText } from "@/problems";
import { Thumbnail } from "@/ui/Thumbnail";

import { previewQuery } from "./queries";

const useStyles = makeStyles({
  root: { display: "grid", gap: "8px", minWidth: 0 },
  count: { fontWeight: 600 },
  thumbnails: {
    display: "grid",
    gridTemplateColumns: "repeat(6, minmax(0, 1fr))",
    gap: "4px",
  },
  left: { fontSize: "12px", lineHeight: "18px", color: tokens.colorNeutralForeground2 },
  summary: { cursor: "pointer", "@media (pointer: coarse)": { padding: "13px 0" } },
  names: { margin: "4px 0 0", paddingLeft: "20px", maxHeight: "140px", overflowY: "auto" },
});

/** What a pattern matches: how many images, the first of them, and what is left out and why. */
export function LocationPreview({
  location,
  pattern,
}: {
  location: string;
  pattern: string;
}): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const preview = useQuery(previewQuery(location, pattern));
  const number = (value: number) => formatNumber(value, i18n.language);
  if (preview.isPending)
    return <Spinner size="tiny" label={t("new.looking")} labelPosition="after" />;
  if (preview.isError)
    return (
      <MessageBar intent="error" layout="multiline">
        <MessageBarBody>{problemText(preview.error)}</MessageBarBody>
      </MessageBar>
    );
  const { images, bytes, first, skipped, more } = preview.data;
  return (
    <div className={styles.root}>
      <span className={styles.count} role="status" data-testid="preview-count">
        {t(more ? "new.matchesMore" : "new.matches", {
          count: images,
          size: formatBytes(bytes, i18n.language),
        })}
      </span>
      {first.length > 0 && (
        <div className={styles.thumbnails}>
          {first.map(({ path, url }) => (
            <Thumbnail key={path} src={url} alt={path} />
          ))}
        </div>
      )}
      {skipped.map(({ reason, count, paths }) => (
        <details key={reason} className={styles.left}>
          <summary className={styles.summary}>
            {t(`new.left.${reason as "not_an_image" | "folder"}`, { count })}
          </summary>
          <ul className={styles.names}>
            {paths.map((path) => (
              <li key={path}>{path}</li>
            ))}
            {count > paths.length && (
              <li>{t("new.andMore", { files: number(count - paths.length) })}</li>
            )}
          </ul>
        </details>
      ))}
    </div>
  );
}
