import {
  Button,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogTitle,
  Field,
  makeStyles,
  mergeClasses,
  Switch,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { boundPlaces, commandOf, commands, groups, type CommandId } from "./commands";
import { isComposing } from "./keyboard";
import {
  changeKeys,
  combinationOf,
  isSingleKey,
  keysOf,
  sharing,
  shownKey,
  swap,
  take,
  untouched,
  unusable,
  useKeyMap,
  written,
  type KeyMap,
  type Unusable,
} from "./keyMap";

import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";

const useStyles = makeStyles({
  content: { display: "grid", gap: "16px", paddingTop: "8px" },
  text: { margin: 0, color: tokens.colorNeutralForeground2 },
  heading: { margin: "0 0 4px", fontSize: "14px", lineHeight: "20px", fontWeight: 600 },
  list: { margin: 0, padding: 0, listStyle: "none" },
  row: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) auto 32px",
    alignItems: "center",
    gap: "4px 8px",
    minHeight: "40px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    "@media (pointer: coarse)": {
      minHeight: "48px",
      gridTemplateColumns: "minmax(0, 1fr) auto 44px",
    },
  },
  key: {
    minWidth: "88px",
    fontWeight: 400,
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
  fixed: {
    minWidth: "88px",
    boxSizing: "border-box",
    textAlign: "center",
    fontFamily: "inherit",
    color: tokens.colorNeutralForeground2,
  },
  off: { color: tokens.colorNeutralForeground3, textDecorationLine: "line-through" },
  capturing: { outline: `2px solid ${tokens.colorCompoundBrandStroke}` },
  reset: { "@media (pointer: coarse)": { minWidth: "44px", minHeight: "44px" } },
  more: {
    gridColumn: "1 / -1",
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "8px",
    paddingBottom: "8px",
    fontSize: "13px",
    color: tokens.colorNeutralForeground2,
  },
});

/** What is going on in a row: a key is waited for, was refused, or belongs to another command. */
type Doing =
  | { id: CommandId; name: "waiting"; refused: Unusable | "single" | null }
  | { id: CommandId; name: "conflict"; keys: readonly string[]; others: CommandId[] };

/** All keys, each to be changed, and the switch for those without Ctrl, Alt or Cmd: what a dialog holds. */
export default function Keys({ onClose }: { onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const map = useKeyMap();
  const [doing, setDoing] = useState<Doing | null>(null);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const set = (id: CommandId, changed: KeyMap): void => {
    changeKeys(changed);
    setDoing(null);
    const key = shownKey(changed, id).name || t("keys.none");
    announce(t("keys.said", { command: t(`commands.${id}`), key }));
  };
  /** Gives the keys at once where nothing else has them. */
  const propose = (id: CommandId, keys: readonly string[]): void => {
    const others = sharing(map, id, keys);
    if (others.length) setDoing({ id, name: "conflict", keys, others });
    else set(id, take(map, id, keys));
  };
  return (
    <DialogBody>
      <DialogTitle>{t("keys.title")}</DialogTitle>
      <DialogContent className={styles.content}>
        <p className={styles.text}>{t("keys.text")}</p>
        <Field hint={t("keys.singleHint")}>
          <Switch
            ref={first}
            label={t("keys.single")}
            checked={map.singleKeys}
            onChange={(_, data) => changeKeys({ ...map, singleKeys: data.checked })}
          />
        </Field>
        {groups.map((group) => {
          const here = commands.filter((one) => one.group === group && boundPlaces.has(one.place));
          return here.length ? (
            <section key={group}>
              <h3 className={styles.heading}>{t(`help.${group}`)}</h3>
              <ul className={styles.list}>
                {here.map(({ id }) => (
                  <Row
                    key={id}
                    id={id}
                    map={map}
                    doing={doing?.id === id ? doing : null}
                    onDoing={setDoing}
                    onPropose={(keys) => propose(id, keys)}
                    onSet={(changed) => set(id, changed)}
                  />
                ))}
              </ul>
            </section>
          ) : null;
        })}
      </DialogContent>
      <DialogActions>
        <Button
          disabledFocusable={map.singleKeys && !Object.keys(map.changed).length}
          onClick={() => {
            changeKeys(untouched);
            setDoing(null);
            announce(t("keys.allReset"));
          }}
        >
          {t("keys.resetAll")}
        </Button>
        <Button appearance="primary" onClick={onClose}>
          {t("help.close")}
        </Button>
      </DialogActions>
    </DialogBody>
  );
}

interface RowProps {
  id: CommandId;
  map: KeyMap;
  doing: Doing | null;
  onDoing: (doing: Doing | null) => void;
  onPropose: (keys: readonly string[]) => void;
  onSet: (changed: KeyMap) => void;
}

function Row({ id, map, doing, onDoing, onPropose, onSet }: RowProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const button = useRef<HTMLButtonElement>(null);
  const swallow = useRef(false);
  const command = t(`commands.${id}`);
  const { fixed, keys: defaults } = commandOf(id);
  const shown = shownKey({ ...map, singleKeys: true }, id).name || t("keys.none");
  const isOff = !map.singleKeys && !shownKey(map, id).name;
  const waiting = doing?.name === "waiting" ? doing : null;
  const swapped = doing?.name === "conflict" ? swap(map, id, doing.keys) : null;

  const wait = (): void => {
    onDoing({ id, name: "waiting", refused: null });
    announce(t("keys.press"));
  };
  const capture = (event: KeyboardEvent): void => {
    if (!waiting) return;
    // Nothing that is pressed now does what it does elsewhere: close the dialog, press the button again.
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat || isComposing(event.nativeEvent)) return;
    swallow.current = true;
    if (event.code === "Escape") {
      onDoing(null);
      return;
    }
    const combination = event.code === "AltRight" ? "AltRight" : combinationOf(event.nativeEvent);
    if (!combination) return;
    const isDefault = defaults.includes(combination);
    const refused =
      (isDefault ? null : unusable(combination)) ??
      (!map.singleKeys && isSingleKey(combination) ? "single" : null);
    if (refused) onDoing({ id, name: "waiting", refused });
    else onPropose([combination]);
  };
  const done = (changed: KeyMap): void => {
    onSet(changed);
    button.current?.focus();
  };
  return (
    <li className={styles.row}>
      <span>{command}</span>
      {fixed ? (
        <kbd className={mergeClasses(styles.fixed, isOff && styles.off)}>{shown}</kbd>
      ) : (
        <Button
          ref={button}
          className={mergeClasses(styles.key, waiting ? styles.capturing : undefined)}
          aria-label={waiting ? t("keys.press") : t("keys.changeOf", { command, key: shown })}
          onClick={wait}
          onKeyDown={capture}
          onKeyUp={(event) => {
            if (swallow.current) event.preventDefault();
            swallow.current = false;
          }}
          onBlur={() => {
            if (waiting) onDoing(null);
          }}
        >
          {waiting ? (
            t("keys.press")
          ) : (
            <span className={isOff ? styles.off : undefined}>{shown}</span>
          )}
        </Button>
      )}
      {map.changed[id] ? (
        <Button
          appearance="subtle"
          className={styles.reset}
          icon={<Icon name="undo" size={16} />}
          aria-label={t("keys.resetOf", { command })}
          title={t("keys.resetOf", { command })}
          onClick={() => {
            onPropose(defaults);
            button.current?.focus();
          }}
        />
      ) : (
        <span />
      )}
      {id === "class" && <span className={styles.more}>{t("keys.digits")}</span>}
      {waiting?.refused && (
        <span role="alert" className={styles.more}>
          {t(`keys.refused.${waiting.refused}`)}
        </span>
      )}
      {doing?.name === "conflict" && (
        <div role="alert" className={styles.more}>
          <span>
            {t("keys.conflict", {
              key: doing.keys
                .filter((key) => isHeld(map, doing.others, key))
                .map(written)
                .join(", "),
              commands: doing.others.map((other) => t(`commands.${other}`)).join(", "),
            })}
          </span>
          {swapped && (
            <Button size="small" onClick={() => done(swapped)}>
              {t("keys.swap")}
            </Button>
          )}
          <Button size="small" onClick={() => done(take(map, id, doing.keys))}>
            {t("keys.take")}
          </Button>
          <Button
            size="small"
            onClick={() => {
              onDoing(null);
              button.current?.focus();
            }}
          >
            {t("keys.cancel")}
          </Button>
        </div>
      )}
    </li>
  );
}

function isHeld(map: KeyMap, by: readonly CommandId[], key: string): boolean {
  return by.some((id) => keysOf(map, id).includes(key));
}
