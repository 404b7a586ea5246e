import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useEffect, useSyncExternalStore, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { announce } from "@/ui/announcer";

import type { Desk } from "../session/desk";

const useStyles = makeStyles({
  root: {
    display: "inline-flex",
    alignItems: "center",
    justifyContent: "flex-end",
    gap: "8px",
    minWidth: "88px",
    paddingInline: "8px",
    fontSize: "13px",
    whiteSpace: "nowrap",
    color: tokens.colorNeutralForeground2,
    "@media (max-width: 720px)": { minWidth: 0 },
  },
  text: { "@media (max-width: 400px)": { display: "none" } },
  dot: {
    width: "8px",
    height: "8px",
    flex: "none",
    borderRadius: "50%",
    backgroundColor: tokens.colorPaletteGreenForeground3,
  },
  waiting: { backgroundColor: tokens.colorStatusWarningForeground3 },
});

/** Always in one place: whether the API has all that was decided. */
export function Saved({ desk }: { desk: Desk | null }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const subscribe = desk?.subscribe ?? nothingToHear;
  const state = useSyncExternalStore(subscribe, () => desk?.state() ?? null);
  const kept = useSyncExternalStore(subscribe, () => desk?.kept() ?? true);
  const unsaved = state?.unsaved ?? 0;
  const connection = state?.connection ?? "online";
  const elsewhere = state?.readOnly ?? false;
  const away = connection !== "online" || elsewhere;
  const text =
    state?.unkept && unsaved
      ? t("saved.unkept")
      : connection !== "online"
        ? t(`saved.${connection}`)
        : elsewhere
          ? t("saved.elsewhere")
          : unsaved
            ? t("saved.unsaved", { count: unsaved })
            : t("saved.saved");
  useEffect(() => {
    if (connection !== "online") announce(t(`saved.${connection}`));
  }, [connection, t]);
  return (
    <span className={styles.root} data-testid="saved" data-unsaved={unsaved} data-kept={kept}>
      <span className={styles.text}>{text}</span>
      <span
        className={mergeClasses(styles.dot, unsaved > 0 || away ? styles.waiting : undefined)}
      />
    </span>
  );
}

const nothingToHear = () => () => undefined;
