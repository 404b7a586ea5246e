import { Button, makeStyles, Select, ToggleButton, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { formatNumber } from "@/format";
import { useKey } from "@/keys/keyMap";
import { Icon } from "@/ui/Icon";

import { FrameSlider } from "./FrameSlider";
import { presetsOf, type Window } from "./light";
import type { Frames } from "./useFrames";

const useStyles = makeStyles({
  bar: {
    flex: "none",
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "2px 8px",
    minHeight: "32px",
    paddingBlock: "2px",
    paddingInline: "8px",
    fontSize: "12px",
    fontVariantNumeric: "tabular-nums",
    backgroundColor: tokens.colorNeutralBackground1,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  select: { minWidth: 0, maxWidth: "220px" },
  value: { minWidth: "14ch", whiteSpace: "nowrap" },
  note: {
    minWidth: 0,
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    color: tokens.colorStatusWarningForeground3,
  },
  notice: {
    marginLeft: "auto",
    color: tokens.colorNeutralForeground3,
    "@media (max-width: 720px)": { marginLeft: 0 },
  },
});

/** What was found odd in a file and put right (`labeling/media/frames.py`). */
const noted = [
  "window_ignored",
  "rescale_ignored",
  "values_rounded",
  "high_bit_ignored",
  "more_frames",
] as const;

/** Frames to scroll through and the window to look through, below an image that browsers don't show. */
export function FrameBar({
  frames,
  windowing,
  onWindowing,
  onDone,
  isDicom,
}: {
  frames: Frames;
  /** Whether dragging moves the window. */
  windowing: boolean;
  onWindowing: (on: boolean) => void;
  /** Something was chosen: the keys are the image's again. */
  onDone: () => void;
  isDicom: boolean;
}): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const { frame, count, view, grey, window, value } = frames;
  const key = useKey("windowing");
  const notes = noted
    .filter((one) => view?.facts?.notes.includes(one))
    .map((one) => t(`frames.notes.${one}`));
  const number = (one: number) => formatNumber(Number(one.toPrecision(6)), i18n.language);
  const unit = grey?.unit ? ` ${grey.unit}` : "";
  const presets = grey ? presetsOf(grey) : [];
  const choice = presets.findIndex(
    ({ window: one }) => one.center === window?.center && one.width === window.width,
  );
  const numbers = (of: Window) => ({ center: number(of.center), width: number(of.width) });
  const finish = (act: () => void): void => {
    act();
    onDone();
  };
  return (
    <div className={styles.bar} role="group" aria-label={t("frames.bar")}>
      {count > 1 && (
        <>
          <Button
            size="small"
            appearance="subtle"
            icon={<Icon name={frames.playing ? "pause" : "play"} />}
            aria-label={t("commands.cine")}
            onClick={() => finish(() => frames.play(!frames.playing))}
          />
          <FrameSlider frame={frame} count={count} onGo={frames.go} />
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
            onClick={() => finish(() => onWindowing(!windowing))}
          >
            {t("frames.window")}
          </ToggleButton>
          <Select
            size="small"
            className={styles.select}
            aria-label={t("frames.presets")}
            title={t("frames.level", numbers(window))}
            data-testid="window"
            value={String(choice)}
            onChange={(_, data) =>
              finish(() => frames.setWindow(presets[Number(data.value)]?.window ?? null))
            }
          >
            {choice < 0 && <option value="-1">{t("frames.preset.own", numbers(window))}</option>}
            {presets.map(({ name, window: one }, at) => (
              <option key={name} value={String(at)}>
                {typeof name === "number"
                  ? t("frames.preset.file", { number: name, ...numbers(one) })
                  : t(`frames.preset.${name}`, numbers(one))}
              </option>
            ))}
          </Select>
          <ToggleButton
            size="small"
            appearance="subtle"
            checked={frames.inverted}
            onClick={() => finish(() => frames.setInverted(!frames.inverted))}
          >
            {t("frames.invert")}
          </ToggleButton>
          <Button size="small" appearance="subtle" onClick={() => finish(frames.reset)}>
            {t("frames.reset")}
          </Button>
          <span className={styles.value} data-testid="value">
            {value && `(${value.x}, ${value.y}) ${number(value.value)}${unit}`}
          </span>
        </>
      )}
      {notes.length > 0 && (
        <span className={styles.note} title={notes.join(" ")} data-testid="notes">
          {notes.join(" ")}
        </span>
      )}
      {isDicom && <span className={styles.notice}>{t("frames.notice")}</span>}
    </div>
  );
}
