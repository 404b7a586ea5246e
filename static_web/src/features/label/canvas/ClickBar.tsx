import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Clicks } from "@/clicks/useClicks";

const useStyles = makeStyles({
  bar: {
    position: "absolute",
    insetInline: 0,
    bottom: "12px",
    marginInline: "auto",
    width: "fit-content",
    maxWidth: "calc(100% - 24px)",
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    justifyContent: "center",
    gap: "4px 8px",
    paddingInline: "12px 4px",
    paddingBlock: "4px",
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow8,
    fontSize: "13px",
    lineHeight: "20px",
  },
  words: { paddingBlock: "6px", paddingRight: "8px" },
  button: { "@media (pointer: coarse)": { minHeight: "44px" } },
});

/** What clicks at the image do just now, and for hands without keys how an outline is taken. */
export function ClickBar({
  clicks,
  onTake,
  onGiveUp,
}: {
  clicks: Clicks;
  onTake: () => void;
  onGiveUp: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  if (clicks.state === "off") return null;
  const { proposal, asking } = clicks;
  const words =
    clicks.state !== "ready"
      ? clicks.state
      : !asking
        ? "ready"
        : proposal && !proposal.area
          ? "nothing"
          : "more";
  return (
    <div className={styles.bar}>
      <span role="status" className={styles.words} data-testid="clicks">
        {t(`canvas.clicks.${words}`)}
      </span>
      {asking && (
        <>
          <Button
            appearance="primary"
            className={styles.button}
            disabledFocusable={!proposal?.area}
            onClick={onTake}
          >
            {t("canvas.clicks.take")}
          </Button>
          <Button appearance="subtle" className={styles.button} onClick={onGiveUp}>
            {t("canvas.clicks.giveUp")}
          </Button>
        </>
      )}
    </div>
  );
}
