import { Button, makeStyles, Tooltip } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { CommandId } from "./commands";
import { useKey } from "./keyMap";

import { Icon, type IconName } from "@/ui/Icon";

const TOOLTIP_MS = 500;

const useStyles = makeStyles({
  button: {
    position: "relative",
    whiteSpace: "nowrap",
    "@media (max-width: 720px)": { minWidth: "44px", minHeight: "44px", paddingInline: "8px" },
  },
  iconOnly: { minWidth: "32px", paddingInline: "5px" },
  key: {
    marginLeft: "8px",
    fontFamily: "inherit",
    fontSize: "12px",
    opacity: 0.75,
    "@media (max-width: 720px), (hover: none)": { display: "none" },
  },
  // Still its name, so that no second one can differ from it.
  text: {
    "@media (max-width: 720px)": {
      position: "absolute",
      width: "1px",
      height: "1px",
      overflow: "hidden",
      clipPath: "inset(50%)",
    },
  },
});

interface Props {
  id: CommandId;
  icon?: IconName;
  appearance?: "primary" | "subtle";
  disabled?: boolean;
  text?: string;
  iconOnly?: boolean;
  onClick: () => void;
}

/** A command of commands.ts as a button, with its key on it. */
export function CommandButton(props: Props): ReactNode {
  const {
    id,
    icon,
    appearance = "subtle",
    disabled = false,
    text,
    iconOnly = false,
    onClick,
  } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const name = text ?? t(`commands.${id}`);
  const key = useKey(id);
  return (
    <Tooltip
      content={key.name ? `${name} (${key.name})` : name}
      relationship="inaccessible"
      showDelay={TOOLTIP_MS}
    >
      <Button
        appearance={appearance}
        className={iconOnly ? styles.iconOnly : styles.button}
        disabledFocusable={disabled}
        {...(icon && { icon: <Icon name={icon} /> })}
        aria-label={iconOnly ? name : undefined}
        aria-keyshortcuts={key.aria}
        onClick={onClick}
      >
        {iconOnly ? null : (
          <>
            <span className={appearance === "primary" ? undefined : styles.text}>{name}</span>
            {key.name && (
              <kbd className={styles.key} aria-hidden>
                {key.name}
              </kbd>
            )}
          </>
        )}
      </Button>
    </Tooltip>
  );
}
