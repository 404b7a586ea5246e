import {
  Button,
  makeStyles,
  Popover,
  PopoverSurface,
  PopoverTrigger,
  tokens,
  Tooltip,
} from "@fluentui/react-components";
import { useId, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Settings } from "@/annotate/editor";
import { useKey } from "@/keys/keyMap";
import { formatPercent } from "@/format";
import { CommandButton } from "@/keys/CommandButton";
import { Icon } from "@/ui/Icon";

import { LIGHT_MOST, PLAIN, rounded } from "./drawing";

/** By then its own button has the focus back, unless the click that closed it went somewhere. */
const CLOSES_MS = 100;

const useStyles = makeStyles({
  button: { minWidth: "32px", flex: "none", paddingInline: "5px" },
  surface: { display: "grid", gap: "12px", width: "240px" },
  line: { display: "flex", justifyContent: "space-between", fontSize: "13px" },
  value: { fontVariantNumeric: "tabular-nums", color: tokens.colorNeutralForeground2 },
  slider: {
    width: "100%",
    margin: 0,
    accentColor: tokens.colorCompoundBrandStroke,
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
});

/** Sliders for brightness and contrast of the image, and for how much of the shapes is filled. */
export function LookMenu({
  settings,
  onChange,
  onClose,
}: {
  settings: Settings;
  onChange: (settings: Settings) => void;
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const keys = [useKey("darker").name, useKey("brighter").name].filter(Boolean).join(" ");
  const name = t("canvas.look");
  const giveOn = () => {
    const now = document.activeElement;
    if (now === document.body || now === button.current) onClose();
  };
  const light = (what: "brightness" | "contrast") => (
    <Slider
      label={t(`canvas.${what}`)}
      value={Math.log(settings[what])}
      most={Math.log(LIGHT_MOST)}
      least={-Math.log(LIGHT_MOST)}
      share={settings[what]}
      onChange={(value) => onChange({ ...settings, [what]: rounded(Math.exp(value)) })}
    />
  );
  return (
    <Popover
      open={open}
      onOpenChange={(_, data) => {
        setOpen(data.open);
        if (!data.open) setTimeout(giveOn, CLOSES_MS);
      }}
      positioning="after"
      trapFocus
      withArrow
    >
      <PopoverTrigger disableButtonEnhancement>
        <Tooltip
          content={keys ? `${name} (${keys})` : name}
          relationship="inaccessible"
          positioning="after"
          showDelay={500}
        >
          <Button
            ref={button}
            appearance="subtle"
            className={styles.button}
            icon={<Icon name="brightness" />}
            aria-label={name}
          />
        </Tooltip>
      </PopoverTrigger>
      <PopoverSurface aria-label={name} className={styles.surface}>
        {light("brightness")}
        {light("contrast")}
        <Slider
          label={t("canvas.fill")}
          value={settings.fill}
          least={0}
          most={1}
          share={settings.fill}
          onChange={(fill) => onChange({ ...settings, fill })}
        />
        <CommandButton id="plainImage" onClick={() => onChange({ ...settings, ...PLAIN })} />
      </PopoverSurface>
    </Popover>
  );
}

function Slider({
  label,
  value,
  least,
  most,
  share,
  onChange,
}: {
  label: string;
  value: number;
  least: number;
  most: number;
  /** What is said of it. */
  share: number;
  onChange: (value: number) => void;
}): ReactNode {
  const { i18n } = useTranslation();
  const styles = useStyles();
  const id = useId();
  const said = formatPercent(share, i18n.language);
  return (
    <div>
      <div className={styles.line}>
        <label htmlFor={id}>{label}</label>
        <span className={styles.value} aria-hidden>
          {said}
        </span>
      </div>
      <input
        id={id}
        type="range"
        className={styles.slider}
        min={least}
        max={most}
        step={(most - least) / 40}
        value={value}
        aria-valuetext={said}
        onChange={(event) => onChange(Number(event.target.value))}
      />
    </div>
  );
}
