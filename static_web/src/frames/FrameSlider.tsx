import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

const useStyles = makeStyles({
  slider: {
    flex: "1 1 120px",
    minWidth: "80px",
    accentColor: tokens.colorCompoundBrandStroke,
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
  said: { whiteSpace: "nowrap" },
});

interface Props {
  /** From 0. */
  frame: number;
  count: number;
  onGo: (frame: number) => void;
}

/** Goes through the frames of an image. */
export function FrameSlider({ frame, count, onGo }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const said = t("frames.of", { frame: frame + 1, count });
  return (
    <>
      <input
        type="range"
        className={styles.slider}
        min={1}
        max={count}
        value={frame + 1}
        aria-label={t("frames.frame")}
        aria-valuetext={said}
        onChange={(event) => onGo(Number(event.target.value) - 1)}
      />
      <span className={styles.said} data-testid="frame">
        {said}
      </span>
    </>
  );
}
