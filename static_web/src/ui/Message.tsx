import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

import { Icon, type IconName } from "./Icon";

const useStyles = makeStyles({
  root: {
    display: "grid",
    justifyItems: "center",
    alignContent: "center",
    gap: "12px",
    padding: "48px 24px",
    textAlign: "center",
    minHeight: "240px",
    height: "100%",
  },
  icon: { color: tokens.colorNeutralForeground3 },
  title: { fontSize: "20px", lineHeight: "28px", fontWeight: 600, margin: 0, textWrap: "balance" },
  text: {
    color: tokens.colorNeutralForeground2,
    margin: 0,
    maxWidth: "52ch",
    textWrap: "pretty",
  },
  actions: {
    display: "flex",
    flexWrap: "wrap",
    justifyContent: "center",
    gap: "8px",
    marginTop: "4px",
  },
});

interface Props {
  icon: IconName;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}

/** Instead of content: what is the matter, and the way on. */
export function Message({ icon, title, children, actions }: Props): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.root}>
      <span className={styles.icon}>
        <Icon name={icon} size={40} />
      </span>
      <h2 className={styles.title}>{title}</h2>
      {children && <p className={styles.text}>{children}</p>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
