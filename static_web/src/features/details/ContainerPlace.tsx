import { Button, Link, makeStyles, tokens, Tooltip } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Container } from "@/api/types";
import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";

const useStyles = makeStyles({
  name: { display: "flex", alignItems: "center", gap: "4px" },
  path: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
  button: { "@media (pointer: coarse)": { minWidth: "44px", minHeight: "44px" } },
  link: {
    "@media (pointer: coarse)": { display: "inline-flex", alignItems: "center", minHeight: "44px" },
  },
});

interface Props {
  container: Container;
  /** What in it. */
  path: string;
}

/** Account and container, to be copied, and to be opened in the Azure portal where its address is known. */
export function ContainerPlace({
  container: { account, container, portal },
  path,
}: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const name = `${account}/${container}`;
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(name);
      setCopied(true);
      announce(t("details.copied", { container: name }));
    } catch {
      setCopied(false); // a page that is not served over TLS has no clipboard
    }
  };
  return (
    <>
      <span className={styles.name}>
        <code>{name}</code>
        <Tooltip content={t("details.copy", { container: name })} relationship="label">
          <Button
            size="small"
            appearance="subtle"
            className={styles.button}
            icon={<Icon name={copied ? "check" : "duplicate"} size={16} />}
            onClick={() => void copy()}
          />
        </Tooltip>
      </span>
      {copied === false && <div role="alert">{t("details.notCopied")}</div>}
      <div className={styles.path}>
        <code>{path}</code>
      </div>
      {portal && (
        <Link
          className={styles.link}
          href={portal}
          target="_blank"
          rel="noreferrer"
          aria-label={t("details.portalNamed", { container: name })}
        >
          {t("details.portal")}
        </Link>
      )}
    </>
  );
}
