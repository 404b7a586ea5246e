import { Button, makeStyles, Select, ToggleButton, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { formatNumber } from "@/format";
import { useKey } from "@/keyMap";
import { Icon } from "@/ui/Icon";

import type { Frames } from "./useFrames";

const useStyles = makeStyles({
  bar: {
    flex: "none",
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "2px 8px",
    paddingBlock: "2px",
    paddingInline: "8px",
    fontSize: "12px",
    fontVariantNumeric: "tabular-nums",
    backgroundColor: tokens.colorNeutralBackground1,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  slider: { flex: "1 1 120px", minWidth: "80px" },
  said: { whiteSpace: "nowrap" },
  value: { minWidth: "12ch", whiteSpace: "nowrap" },
  notice: { color: tokens.colorNeutralForeground3 },
});

/** Frames to scroll through and the window to look through, below an image that browsers don't show. */
export function FrameBar({
  frames,
  windowing,
  onWindowing,
  isDicom,
}: {
  frames: Frames;
  windowing: boolean;
  onWindowing: (on: boolean) => void;
  isDicom: boolean;
}): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const { frame, count, view, window, value } = frames;
  const grey = view?.facts?.grey;
  const key = useKey("windowing");
  const number = (one: number) => formatNumber(Math.round(one * 100) / 100, i18n.language);
  const unit = grey?.unit ? ` ${grey.unit}` : "";
  const choice = grey?.windows.findIndex(
    (one) => one.center === window?.center && one.width === window.width,
  );
  return (
    <div className={styles.bar} role="group" aria-label={t("frames.bar")}>
      {count > 1 && (
        <>
          <Button
            size="small"
            appearance="subtle"
            icon={<Icon name={frames.playing ? "pause" : "play"} />}
            aria-label={t("commands.cine")}
            onClick={() => frames.play(!frames.playing)}
          />
          <input
            type="range"
            className={styles.slider}
            min={1}
            max={count}
            value={frame + 1}
            aria-label={t("frames.frame")}
            aria-valuetext={t("frames.of", { frame: frame + 1, count })}
            onChange={(event) => frames.go(Number(event.target.value) - 1)}
          />
          <span className={styles.said} data-testid="frame">
            {t("frames.of", { frame: frame + 1, count })}
          </span>
        </>
      )}
      {grey && window && (
        <>
          <ToggleButton
            size="small"
            appearance="subtle"
            checked={windowing}
            icon={<Icon name="brightness" />}
            aria-keyshortcuts={key.aria}
            onClick={() => onWindowing(!windowing)}
          >
            {t("frames.window")}
          </ToggleButton>
          {grey.windows.length > 1 && (
            <Select
              size="small"
              aria-label={t("frames.presets")}
              value={choice === undefined || choice < 0 ? "" : String(choice)}
              onChange={(_, data) => frames.setWindow(grey.windows[Number(data.value)] ?? null)}
            >
              <option value="" disabled>
                {t("frames.own")}
              </option>
              {grey.windows.map((one, at) => (
                <option key={at} value={String(at)}>
                  {t("frames.preset", {
                    number: at + 1,
                    center: number(one.center),
                    width: number(one.width),
                  })}
                </option>
              ))}
            </Select>
          )}
          <span className={styles.said} data-testid="window">
            {t("frames.level", { center: number(window.center), width: number(window.width) })}
          </span>
          <ToggleButton
            size="small"
            appearance="subtle"
            checked={frames.inverted}
            onClick={() => frames.setInverted(!frames.inverted)}
          >
            {t("frames.invert")}
          </ToggleButton>
          <Button
            size="small"
            appearance="subtle"
            onClick={() => {
              frames.setWindow(null);
              frames.setInverted(false);
            }}
          >
            {t("frames.reset")}
          </Button>
          <span className={styles.value} data-testid="value">
            {value && `(${value.x}, ${value.y}) ${number(value.value)}${unit}`}
          </span>
        </>
      )}
      {isDicom && <span className={styles.notice}>{t("frames.notice")}</span>}
    </div>
  );
}
