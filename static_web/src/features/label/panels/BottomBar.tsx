import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { CommandButton } from "@/keys/CommandButton";
import { Icon } from "@/ui/Icon";

import type { DeskState } from "../session/desk";
import { decidedCount, labeledCount, type Page } from "../session/session";

const useStyles = makeStyles({
  bar: {
    display: "flex",
    alignItems: "center",
    gap: "4px",
    position: "relative",
    height: "100%",
    boxSizing: "border-box",
    paddingInline: "12px 8px",
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  done: {
    display: "grid",
    gap: "3px",
    minWidth: "132px",
    marginRight: "12px",
    fontSize: "13px",
    lineHeight: "18px",
    whiteSpace: "nowrap",
    "@media (max-width: 720px)": { minWidth: "72px", marginRight: "4px", whiteSpace: "normal" },
  },
  aside: {
    marginLeft: "6px",
    color: tokens.colorNeutralForeground3,
    "@media (max-width: 720px)": { display: "none" },
  },
  marks: { display: "flex", gap: "2px", height: "4px" },
  mark: { flex: 1, borderRadius: "2px", backgroundColor: tokens.colorNeutralStroke1 },
  marked: { backgroundColor: tokens.colorCompoundBrandStroke },
  middle: {
    flex: "1 1 0",
    minWidth: 0,
    display: "flex",
    justifyContent: "center",
    marginInline: "8px",
    // No room between the buttons: a line of its own above them, which moves nothing.
    "@media (max-width: 1279px)": {
      position: "absolute",
      insetInline: 0,
      bottom: "100%",
      zIndex: 2,
      marginInline: 0,
      padding: "4px 12px",
      backgroundColor: tokens.colorNeutralBackground1,
      borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
      ":empty": { display: "none" },
    },
    // The classes lie between the bar and the images, and are needed for the next one.
    "@media (max-width: 720px)": { bottom: "calc(100% + var(--panel))" },
  },
  notice: {
    display: "flex",
    alignItems: "center",
    gap: "8px",
    minWidth: 0,
    color: tokens.colorStatusWarningForeground3,
    fontSize: "13px",
  },
  // Where there is no room, skipping twice does it.
  clear: { display: "contents", "@media (max-width: 480px)": { display: "none" } },
  wide: { display: "contents", "@media (max-width: 720px)": { display: "none" } },
  submit: { marginLeft: "auto" },
});

interface Props {
  page: Page | undefined;
  /** Whether an image may show nothing of what is looked for. */
  many: boolean;
  state: DeskState | null;
  locked: boolean;
  /** Submitting would accept suggestions. */
  suggested: boolean;
  onUndo: () => void;
  onRedo: () => void;
  onSkip: () => void;
  onAsk: () => void;
  onNothing: () => void;
  onClear?: () => void;
  onSubmit: () => void;
  onDismiss: () => void;
  /** What can be said or taken back just now. */
  children: ReactNode;
}

export function BottomBar(props: Props): ReactNode {
  const { page, many, state, locked } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const done = page ? decidedCount(page) : 0;
  const labeled = page ? labeledCount(page) : 0;
  /** Decided about, but not labeled. */
  const aside = done - labeled;
  const all = page?.items.length ?? 0;
  const some = done > 0 && done < all && !props.suggested;
  const { past, outgoing, finished } = state?.session ?? {};
  const canUndo = Boolean(past?.length || outgoing?.length || finished?.length);
  const closed = !page || locked;
  return (
    <div className={styles.bar}>
      <div className={styles.done}>
        <span>
          <span data-testid="done">{page && t("label.done", { labeled, all })}</span>
          {aside > 0 && (
            <span className={styles.aside} title={t("label.asideWhy")}>
              {t("label.aside", { count: aside })}
            </span>
          )}
        </span>
        <span className={styles.marks} aria-hidden>
          {page?.items.map((item) => (
            <span
              key={item.item_id}
              className={mergeClasses(
                styles.mark,
                page.work[item.item_id]?.outcome ? styles.marked : undefined,
              )}
            />
          ))}
        </span>
      </div>
      <CommandButton id="undo" icon="undo" disabled={!canUndo || locked} onClick={props.onUndo} />
      <div className={styles.wide}>
        <CommandButton
          id="redo"
          icon="redo"
          iconOnly
          disabled={!state?.session.future.length || locked}
          onClick={props.onRedo}
        />
      </div>
      <CommandButton id="skip" icon="skip" disabled={closed} onClick={props.onSkip} />
      <CommandButton id="ask" icon="ask" disabled={closed} onClick={props.onAsk} />
      {many ? (
        <CommandButton id="nothing" icon="nothing" disabled={closed} onClick={props.onNothing} />
      ) : (
        <div className={styles.clear}>
          <CommandButton
            id="clear"
            icon="clear"
            disabled={closed}
            onClick={() => props.onClear?.()}
          />
        </div>
      )}
      <div className={styles.middle}>
        {props.children ?? <NoticeLine state={state} onDismiss={props.onDismiss} />}
      </div>
      <div className={styles.submit}>
        <CommandButton
          id={some ? "submitNow" : "submit"}
          appearance="primary"
          text={some ? t("label.submitSome", { done }) : t("commands.submit")}
          disabled={(!done && !props.suggested) || locked}
          onClick={props.onSubmit}
        />
      </div>
    </div>
  );
}

function NoticeLine({
  state,
  onDismiss,
}: {
  state: DeskState | null;
  onDismiss: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  if (state?.connection === "signedOut")
    return (
      <div role="alert" className={styles.notice}>
        <Icon name="warning" />
        {t("label.signedOut")}
        <Button
          as="a"
          size="small"
          href="/.auth/login/aad?post_login_redirect_uri=/"
          target="_blank"
        >
          {t("label.signInAgain")}
        </Button>
      </div>
    );
  const notice = state?.notice;
  if (!notice) return null;
  return (
    <div role="alert" className={styles.notice}>
      <Icon name="warning" />
      <span>
        {"detail" in notice
          ? t(`label.${notice.type}`, { detail: notice.detail })
          : "count" in notice
            ? t(`label.${notice.type}`, { count: notice.count })
            : t("label.lookAgain")}
      </span>
      <Button
        appearance="subtle"
        size="small"
        icon={<Icon name="clear" size={16} />}
        aria-label={t("label.dismiss")}
        onClick={onDismiss}
      />
    </div>
  );
}
