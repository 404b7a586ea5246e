import { Button, Input, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "@/ui/Icon";

import { skipReasons } from "../session/describe";

const LONGEST = 2_000; // characters the API takes

/** Images that can be explained, until one goes on: why they were skipped, or what is asked about them. */
export interface Offer {
  about: "skipped" | "needs_review";
  taskId: string;
  itemIds: readonly string[];
  /** Its own words are being typed. */
  typing: boolean;
}

const useStyles = makeStyles({
  line: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "4px",
    minWidth: 0,
    fontSize: "13px",
  },
  question: { color: tokens.colorNeutralForeground2, marginRight: "4px", whiteSpace: "nowrap" },
  input: { flex: "1 1 220px", minWidth: 0, width: "360px", maxWidth: "100%" },
  key: {
    marginLeft: "6px",
    fontFamily: "inherit",
    fontSize: "12px",
    opacity: 0.75,
    "@media (hover: none)": { display: "none" },
  },
});

interface Props {
  offer: Offer;
  onReason: (reason: string) => void;
  onNote: (note: string) => void;
  onType: () => void;
  /** Leaves it unexplained. */
  onClose: () => void;
}

/** A word of why, for those who want to give one: nobody has to answer. */
export function Explain({ offer, onReason, onNote, onType, onClose }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const count = offer.itemIds.length;
  if (offer.about === "needs_review" || offer.typing) {
    const asks = offer.about === "needs_review";
    const words = asks ? t("label.noteFor", { count }) : t("label.otherReason");
    return <Words label={words} onKeep={asks ? onNote : onReason} onClose={onClose} />;
  }
  return (
    <div role="group" aria-label={t("label.whySkipped")} className={styles.line}>
      <span className={styles.question}>{t("label.whySkipped")}</span>
      {skipReasons.map((reason, at) => (
        <Button
          key={reason}
          size="small"
          aria-keyshortcuts={`Shift+${at + 1}`}
          onClick={() => onReason(reason)}
        >
          {t(`label.reasons.${reason}`)}
          <kbd className={styles.key} aria-hidden>{`⇧${at + 1}`}</kbd>
        </Button>
      ))}
      <Button size="small" aria-keyshortcuts={`Shift+${skipReasons.length + 1}`} onClick={onType}>
        {t("label.reasons.other")}
        <kbd className={styles.key} aria-hidden>{`⇧${skipReasons.length + 1}`}</kbd>
      </Button>
      <Button
        appearance="subtle"
        size="small"
        icon={<Icon name="clear" size={16} />}
        aria-label={t("label.dismiss")}
        onClick={onClose}
      />
    </div>
  );
}

interface WordsProps {
  label: string;
  onKeep: (words: string) => void;
  onClose: () => void;
}

/** One line to type in: Enter keeps it, Esc leaves it empty, and going elsewhere keeps what is there. */
function Words({ label, onKeep, onClose }: WordsProps): ReactNode {
  const styles = useStyles();
  const [words, setWords] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const done = useRef(false);
  useEffect(() => input.current?.focus(), []);
  const finish = (kept: string) => {
    if (done.current) return;
    done.current = true;
    if (kept) onKeep(kept);
    else onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    finish(event.key === "Enter" ? words.trim() : "");
  };
  return (
    <Input
      className={styles.input}
      input={{ ref: input, maxLength: LONGEST }}
      size="small"
      value={words}
      placeholder={label}
      aria-label={label}
      autoComplete="off"
      onChange={(_, data) => setWords(data.value)}
      onKeyDown={onKeyDown}
      onBlur={() => finish(words.trim())}
    />
  );
}
