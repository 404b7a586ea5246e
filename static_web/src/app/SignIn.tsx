import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { LanguageButton } from "@/ui/AccountMenu";
import { Logo } from "@/ui/Icon";

const useStyles = makeStyles({
  page: { minHeight: "100dvh", display: "grid", gridTemplateRows: "48px 1fr 96px" },
  top: { display: "flex", justifyContent: "flex-end", alignItems: "center", paddingInline: "12px" },
  card: {
    justifySelf: "center",
    alignSelf: "center",
    display: "grid",
    justifyItems: "start",
    gap: "16px",
    boxSizing: "border-box",
    width: "min(400px, 100vw - 32px)",
    padding: "40px 36px",
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "8px",
  },
  name: {
    display: "flex",
    alignItems: "center",
    gap: "12px",
    fontSize: "24px",
    lineHeight: "32px",
    fontWeight: 600,
    margin: 0,
  },
  text: { margin: 0, color: tokens.colorNeutralForeground2 },
  buttons: { display: "grid", gap: "8px", width: "100%", marginTop: "8px" },
});

const isLocal = ["127.0.0.1", "localhost"].includes(window.location.hostname);

export function SignIn(): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  // Local development has its own page, since the emulator's needs the internet.
  const hasDevPage = useQuery({
    queryKey: ["dev-signin"],
    enabled: isLocal,
    staleTime: Infinity,
    queryFn: async () => {
      // Asked for by its data: where it is missing, the app's own page is served in its place.
      const answer = await fetch("/dev-signin.json", { method: "HEAD" });
      return answer.ok && Boolean(answer.headers.get("content-type")?.includes("json"));
    },
  }).data;
  return (
    <div className={styles.page}>
      <div className={styles.top}>
        <LanguageButton />
      </div>
      <main className={styles.card}>
        <h1 className={styles.name}>
          <Logo size={36} />
          <span translate="no">{t("name")}</span>
        </h1>
        <p className={styles.text}>{t("signIn.text")}</p>
        <div className={styles.buttons}>
          <Button appearance="primary" size="large" onClick={() => goTo("/.auth/login/aad")}>
            {t("signIn.microsoft")}
          </Button>
          {hasDevPage && (
            <Button size="large" onClick={() => goTo("/dev-signin.html")}>
              {t("signIn.development")}
            </Button>
          )}
        </div>
      </main>
    </div>
  );
}

function goTo(page: string): void {
  const back = window.location.pathname + window.location.search;
  window.location.assign(`${page}?post_login_redirect_uri=${encodeURIComponent(back)}`);
}
