import { makeStyles, tokens, ToggleButton, Tooltip } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { leftIn } from "@/api/queries";
import type { Progress, Project, Task } from "@/api/types";
import { AccountMenu } from "@/ui/AccountMenu";
import { Icon } from "@/ui/Icon";

import { CommandButton } from "./CommandButton";
import type { Desk } from "./desk";
import { layouts, type Layout } from "./layouts";
import { Saved } from "./Saved";

const useStyles = makeStyles({
  bar: {
    display: "flex",
    alignItems: "center",
    gap: "16px",
    height: "100%",
    boxSizing: "border-box",
    paddingInline: "8px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": { gap: "4px" },
  },
  back: {
    display: "inline-flex",
    alignItems: "center",
    gap: "6px",
    minWidth: 0,
    minHeight: "32px",
    paddingInline: "6px 8px",
    borderRadius: "4px",
    color: "inherit",
    textDecorationLine: "none",
    fontWeight: 600,
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
  },
  name: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  about: {
    color: tokens.colorNeutralForeground3,
    whiteSpace: "nowrap",
    fontSize: "13px",
    "@media (max-width: 720px)": { display: "none" },
  },
  layouts: { display: "flex", gap: "2px", marginInline: "auto" },
  layout: { minWidth: "32px", paddingInline: "5px" },
  right: { display: "flex", alignItems: "center", gap: "4px" },
  wide: { display: "contents", "@media (max-width: 720px)": { display: "none" } },
});

interface Props {
  project: Project;
  progress: Progress | undefined;
  kind: Task["kind"] | undefined;
  layout: Layout;
  desk: Desk | null;
  onLayout: (layout: Layout) => void;
  onInstructions: () => void;
  onHelp: () => void;
  onRail: () => void;
}

export function TopBar(props: Props): ReactNode {
  const { project, progress, kind } = props;
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const left = progress && new Intl.NumberFormat(i18n.language).format(leftIn(progress));
  const home = project.my_role === "labeler" ? "/?list" : `/projects/${project.project_id}`;
  return (
    <div className={styles.bar}>
      <Link
        href={home}
        className={styles.back}
        aria-label={t("label.leave", { name: project.name })}
      >
        <Icon name="back" />
        <span className={styles.name}>{project.name}</span>
      </Link>
      <span className={styles.about}>
        {kind && t(`kinds.${kind}`)}
        {kind && left && " · "}
        {left && t("label.left", { left })}
      </span>
      <div role="group" aria-label={t("label.layout")} className={styles.layouts}>
        {layouts.map((layout) => {
          const name = t("label.layoutOf", { count: layout });
          return (
            <Tooltip key={layout} content={name} relationship="label" showDelay={500}>
              <ToggleButton
                appearance="subtle"
                className={styles.layout}
                checked={props.layout === layout}
                icon={<Icon name={`layout${layout}`} />}
                onClick={() => props.onLayout(layout)}
              />
            </Tooltip>
          );
        })}
      </div>
      <div className={styles.right}>
        <Saved desk={props.desk} />
        <div className={styles.wide}>
          <CommandButton id="rail" icon="panel" iconOnly onClick={props.onRail} />
          <CommandButton id="help" icon="help" iconOnly onClick={props.onHelp} />
        </div>
        <CommandButton id="instructions" icon="info" iconOnly onClick={props.onInstructions} />
        <div className={styles.wide}>
          <AccountMenu />
        </div>
      </div>
    </div>
  );
}
