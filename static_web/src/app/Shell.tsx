import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useRoute } from "wouter";

import { AccountMenu } from "@/ui/AccountMenu";
import { Logo } from "@/ui/Icon";

const useStyles = makeStyles({
  header: {
    position: "sticky",
    top: 0,
    zIndex: 2,
    display: "flex",
    alignItems: "center",
    justifyContent: "space-between",
    height: "48px",
    paddingInline: "16px 12px",
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  brand: {
    display: "inline-flex",
    alignItems: "center",
    gap: "10px",
    color: tokens.colorNeutralForeground1,
    textDecorationLine: "none",
    fontSize: "16px",
    fontWeight: 600,
    borderRadius: "4px",
    minHeight: "44px",
  },
  main: {
    maxWidth: "1120px",
    marginInline: "auto",
    padding: "24px 24px 64px",
    "@media (max-width: 640px)": { padding: "16px 16px 48px" },
  },
  wide: { maxWidth: "none", padding: "16px 24px" },
});

/** The frame of all pages but the labeling page. */
export function Shell({ children }: { children: ReactNode }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [wide] = useRoute("/projects/:projectId/data");
  return (
    <>
      <header className={styles.header}>
        <Link href="/?list" className={styles.brand} aria-label={t("shell.home")}>
          <Logo />
          <span translate="no">{t("name")}</span>
        </Link>
        <AccountMenu />
      </header>
      <main className={mergeClasses(styles.main, wide && styles.wide)}>{children}</main>
    </>
  );
}
