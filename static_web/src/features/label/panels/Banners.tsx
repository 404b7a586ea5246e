import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { formatPercent } from "@/format";
import { Icon, type IconName } from "@/ui/Icon";

import { describeReturn } from "../session/describe";
import type { Page } from "../session/session";

const useStyles = makeStyles({
  banner: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "4px 12px",
    padding: "8px 12px",
    marginBottom: "6px",
    borderLeft: `3px solid ${tokens.colorStatusWarningForeground3}`,
    backgroundColor: tokens.colorNeutralBackground1,
    fontSize: "14px",
    lineHeight: "20px",
  },
  icon: { display: "inline-flex", color: tokens.colorStatusWarningForeground3 },
  words: { flex: "1 1 260px", minWidth: 0 },
  title: { fontWeight: 600 },
  line: { margin: 0, textWrap: "pretty", overflowWrap: "anywhere" },
});

interface BannerProps {
  icon: IconName;
  title: string;
  lines?: readonly string[];
  action?: ReactNode;
  /** Nothing is the matter: it only says what this page is. */
  quiet?: boolean;
}

/** Above the images, as long as something is the matter with the page. */
function Banner({ icon, title, lines = [], action, quiet = false }: BannerProps): ReactNode {
  const styles = useStyles();
  return (
    <div role={quiet ? "status" : "alert"} className={styles.banner}>
      <span className={styles.icon}>
        <Icon name={icon} />
      </span>
      <div className={styles.words}>
        <div className={styles.title}>{title}</div>
        {lines.map((line) => (
          <p key={line} className={styles.line}>
            {line}
          </p>
        ))}
      </div>
      {action}
    </div>
  );
}

/** The page was submitted before, and is open again. */
export function Correcting(): ReactNode {
  const { t } = useTranslation();
  return <Banner quiet icon="edit" title={t("label.correcting")} />;
}

/** The labels of the image need nearly all, or more, of the room there is: a `share` of it. */
export function Crowded({ share }: { share: number }): ReactNode {
  const { t, i18n } = useTranslation();
  const said = formatPercent(Math.min(share, 9.99), i18n.language);
  return (
    <Banner
      icon="info"
      title={share > 1 ? t("canvas.room.over") : t("canvas.room.nearly", { share: said })}
    />
  );
}

/** Another tab works on the page: it is only shown here. */
export function OpenElsewhere({ onTakeOver }: { onTakeOver: () => void }): ReactNode {
  const { t } = useTranslation();
  return (
    <Banner
      icon="info"
      title={t("label.elsewhere.title")}
      lines={[t("label.elsewhere.text")]}
      action={
        <Button appearance="primary" onClick={onTakeOver}>
          {t("label.elsewhere.takeOver")}
        </Button>
      }
    />
  );
}

/** As many pages wait to be saved as are kept. */
export function Full({ pages }: { pages: number }): ReactNode {
  const { t } = useTranslation();
  return (
    <Banner
      icon="pause"
      title={t("label.full.title", { count: pages })}
      lines={[t("label.full.text")]}
    />
  );
}

/** That the image came back, and why. */
export function Returned({ reason }: { reason: string }): ReactNode {
  const { t } = useTranslation();
  return <Banner icon="undo" title={describeReturn(t, reason)} />;
}

/** What is the matter with a page: it was refused, or its time ran out. Why, what is safe, what to do. */
export function Refused({ page, onDiscard }: { page: Page; onDiscard: () => void }): ReactNode {
  const { t } = useTranslation();
  const { problem } = page;
  if (problem?.type === "over")
    return (
      <Banner
        icon="warning"
        title={t("label.over.title")}
        lines={[t("label.over.text")]}
        action={<Button onClick={onDiscard}>{t("label.notSaved.discard")}</Button>}
      />
    );
  const reasons = problem
    ? page.items.map(() => problem.why)
    : page.items.flatMap(({ item_id }) => page.problems[item_id] ?? []);
  if (!reasons.length) return null;
  return (
    <Banner
      icon="warning"
      title={t("label.notSaved.title", { count: reasons.length })}
      lines={[...new Set(reasons.filter(Boolean)), t("label.notSaved.text")]}
      action={<Button onClick={onDiscard}>{t("label.notSaved.discard")}</Button>}
    />
  );
}
