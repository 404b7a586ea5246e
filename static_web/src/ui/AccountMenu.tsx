import {
  Button,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  tokens,
} from "@fluentui/react-components";
import { useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useMe } from "@/api/queries";
import { changeLanguage, otherLanguage } from "@/i18n/i18n";
import { languages } from "@/i18n/texts";

import { Icon } from "./Icon";
import { KeysDialog } from "@/keys/KeysDialog";

const useStyles = makeStyles({
  row: { display: "flex", alignItems: "center", gap: "4px" },
  who: { padding: "8px 12px", color: tokens.colorNeutralForeground2, fontSize: "12px" },
  trigger: { minWidth: "36px" },
  initial: {
    display: "grid",
    placeContent: "center",
    width: "24px",
    minWidth: "24px",
    textTransform: "uppercase",
    height: "24px",
    borderRadius: "50%",
    fontSize: "12px",
    fontWeight: 600,
    lineHeight: 1,
    color: tokens.colorNeutralForegroundOnBrand,
    backgroundColor: tokens.colorBrandBackground,
  },
  language: { minWidth: "auto", fontWeight: 400, paddingInline: "8px" },
  wideOnly: { display: "contents", "@media (max-width: 600px)": { display: "none" } },
  narrowOnly: { "@media (min-width: 600.1px)": { display: "none" } },
});

/** Switches to the other language, in that language's words. */
export function LanguageButton(): ReactNode {
  const { i18n } = useTranslation();
  const styles = useStyles();
  const other = otherLanguage(i18n.language);
  return (
    <Button
      appearance="subtle"
      className={styles.language}
      lang={other}
      onClick={() => void changeLanguage(other)}
    >
      {languages[other]}
    </Button>
  );
}

/** Who is signed in, and what is theirs: language, keys, signing out. */
export function AccountMenu(): ReactNode {
  const { t, i18n } = useTranslation();
  const other = otherLanguage(i18n.language);
  const styles = useStyles();
  const me = useMe().data;
  const trigger = useRef<HTMLButtonElement>(null);
  const [keys, setKeys] = useState(false);
  return (
    <div className={styles.row}>
      <div className={me ? styles.wideOnly : undefined}>
        <LanguageButton />
      </div>
      {me && (
        <Menu positioning="below-end">
          <MenuTrigger disableButtonEnhancement>
            <Button
              ref={trigger}
              appearance="subtle"
              className={styles.trigger}
              aria-label={t("account.menu", { name: me.name })}
              icon={
                <span className={styles.initial} aria-hidden>
                  {me.name.slice(0, 1)}
                </span>
              }
            />
          </MenuTrigger>
          <MenuPopover>
            <div className={styles.who}>
              {me.name}
              {me.site_admin && ` · ${t("account.siteAdmin")}`}
            </div>
            <MenuList>
              <MenuItem
                className={styles.narrowOnly}
                icon={<Icon name="language" />}
                lang={other}
                onClick={() => void changeLanguage(other)}
              >
                {languages[other]}
              </MenuItem>
              <MenuItem icon={<Icon name="keys" />} onClick={() => setKeys(true)}>
                {t("account.keys")}
              </MenuItem>
              <MenuItem
                icon={<Icon name="signOut" />}
                onClick={() => window.location.assign("/.auth/logout?post_logout_redirect_uri=/")}
              >
                {t("account.signOut")}
              </MenuItem>
            </MenuList>
          </MenuPopover>
        </Menu>
      )}
      <KeysDialog open={keys} onClose={() => setKeys(false)} focusAfter={() => trigger.current} />
    </div>
  );
}
