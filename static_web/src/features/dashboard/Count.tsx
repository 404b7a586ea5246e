import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { formatNumber } from "@/format";

const useStyles = makeStyles({
  count: { fontWeight: 600 },
  link: {
    fontWeight: 600,
    color: tokens.colorBrandForegroundLink,
    textDecorationLine: "none",
    borderRadius: "2px",
    "@media (pointer: coarse)": {
      display: "inline-flex",
      alignItems: "center",
      minWidth: "44px",
      minHeight: "44px",
    },
    ":hover": { textDecorationLine: "underline" },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "1px" },
  },
});

interface Props {
  /** Undefined while it is not known yet. */
  count: number | undefined;
  /** What is written, where that is more than the number. */
  text?: string;
  /** What is counted, for those who hear the link alone. */
  name: string;
  /** Where the images behind it are; null for those who may not see them. */
  href: string | null;
  testId?: string;
}

/** A number that leads to the images behind it. */
export function Count({ count, text: written, name, href, testId }: Props): ReactNode {
  const { i18n } = useTranslation();
  const styles = useStyles();
  const text = written ?? (count === undefined ? "–" : formatNumber(count, i18n.language));
  if (!href || !count)
    return (
      <span className={styles.count} data-testid={testId}>
        {text}
      </span>
    );
  return (
    <Link href={href} className={styles.link} data-testid={testId} aria-label={`${text}, ${name}`}>
      {text}
    </Link>
  );
}
