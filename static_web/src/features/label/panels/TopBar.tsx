import {
  Button,
  makeStyles,
  Menu,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  mergeClasses,
  tokens,
  ToggleButton,
  Tooltip,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";

import type { Project, Task } from "@/api/types";
import { useKey } from "@/keys/keyMap";
import { AccountMenu } from "@/ui/AccountMenu";
import { CommandButton } from "@/keys/CommandButton";
import { Icon } from "@/ui/Icon";

import { percent } from "../session/describe";
import type { Desk } from "../session/desk";
import { layouts, type Layout } from "../grid/layouts";
import { Saved } from "./Saved";

const STEP = 1.5; // how much closer a click looks

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
    // The middle stays where it is whatever the numbers beside it are.
    "@media (min-width: 1101px)": {
      display: "grid",
      gridTemplateColumns: "minmax(0, 1fr) auto minmax(0, 1fr)",
    },
  },
  start: {
    display: "contents",
    "@media (min-width: 1101px)": {
      display: "flex",
      alignItems: "center",
      gap: "16px",
      minWidth: 0,
    },
  },
  back: {
    display: "inline-flex",
    alignItems: "center",
    gap: "6px",
    minWidth: 0,
    minHeight: "32px",
    "@media (pointer: coarse)": { minWidth: "44px", minHeight: "44px", boxSizing: "border-box" },
    paddingInline: "6px 8px",
    borderRadius: "4px",
    color: "inherit",
    textDecorationLine: "none",
    fontWeight: 600,
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
  },
  name: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  about: {
    fontVariantNumeric: "tabular-nums",
    color: tokens.colorNeutralForeground3,
    whiteSpace: "nowrap",
    fontSize: "13px",
    "@media (max-width: 720px)": { display: "none" },
  },
  middle: {
    display: "flex",
    alignItems: "center",
    gap: "12px",
    marginInline: "auto",
    "@media (max-width: 720px)": { gap: "2px" },
  },
  layouts: { display: "flex", gap: "2px", "@media (max-width: 600px)": { display: "none" } },
  layoutMenu: { minWidth: "44px", "@media (min-width: 600.1px)": { display: "none" } },
  layout: { minWidth: "32px", paddingInline: "5px" },
  tools: { display: "flex", alignItems: "center", gap: "2px" },
  zoom: { "@media (max-width: 1100px)": { display: "none" } },
  idle: { visibility: "hidden", "@media (max-width: 720px)": { display: "none" } },
  percent: {
    minWidth: "44px",
    textAlign: "center",
    fontSize: "12px",
    fontVariantNumeric: "tabular-nums",
    color: tokens.colorNeutralForeground2,
  },
  right: { display: "flex", alignItems: "center", justifyContent: "flex-end", gap: "4px" },
  wide: { display: "contents", "@media (max-width: 600px)": { display: "none" } },
});

interface Props {
  project: Project;
  /** Images nobody has decided about yet, once that is known. */
  left: number | undefined;
  kind: Task["kind"] | undefined;
  /** How many images at once; null where it is always one. */
  layout: Layout | null;
  desk: Desk | null;
  /** One image is shown, at this part of its own size. */
  zoom: number | null;
  /** A class key saves and goes on; null where it can't. */
  quick: boolean | null;
  large?: boolean;
  onQuick?: () => void;
  onLarge?: () => void;
  onZoom: (factor: number | null) => void;
  onLayout?: (layout: Layout) => void;
  onInstructions: () => void;
  onHelp: () => void;
  onRail: () => void;
}

export function TopBar(props: Props): ReactNode {
  const { project, kind } = props;
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const quickKey = useKey("quick").name;
  const largeKey = useKey("large").name;
  const [, navigate] = useLocation();
  const left =
    props.left === undefined ? "" : new Intl.NumberFormat(i18n.language).format(props.left);
  const home = project.my_role === "labeler" ? "/?list" : `/projects/${project.project_id}`;
  return (
    <div className={styles.bar}>
      <div className={styles.start}>
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
      </div>
      <div className={styles.middle}>
        {props.layout !== null && (
          <>
            <Tooltip
              content={`${t("label.quick")} (${quickKey})`}
              relationship="description"
              showDelay={500}
            >
              <ToggleButton
                appearance="subtle"
                className={mergeClasses(styles.layout, props.quick === null && styles.idle)}
                checked={props.quick === true}
                aria-label={t("commands.quick")}
                icon={<Icon name="bolt" />}
                onClick={props.onQuick}
              />
            </Tooltip>
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
                      onClick={() => props.onLayout?.(layout)}
                    />
                  </Tooltip>
                );
              })}
            </div>
            <Tooltip
              content={`${t("commands.large")} (${largeKey})`}
              relationship="description"
              showDelay={500}
            >
              <ToggleButton
                appearance="subtle"
                className={mergeClasses(styles.layout, props.layout === 1 && styles.idle)}
                checked={props.large === true}
                aria-label={t("commands.large")}
                icon={<Icon name="enlarge" />}
                onClick={props.onLarge}
              />
            </Tooltip>
          </>
        )}
        <div
          role="group"
          aria-label={t("label.zoom")}
          className={mergeClasses(styles.tools, styles.zoom, props.zoom === null && styles.idle)}
        >
          <CommandButton
            id="zoomOut"
            icon="zoomOut"
            iconOnly
            onClick={() => props.onZoom(1 / STEP)}
          />
          <output className={styles.percent} data-testid="zoom">
            {percent(props.zoom ?? 1, i18n.language)}
          </output>
          <CommandButton id="zoomIn" icon="zoomIn" iconOnly onClick={() => props.onZoom(STEP)} />
          <CommandButton id="zoomFit" icon="fit" iconOnly onClick={() => props.onZoom(null)} />
        </div>
      </div>
      {props.layout !== null && props.onLayout && (
        <LayoutMenu layout={props.layout} onLayout={props.onLayout} />
      )}
      <div className={styles.right}>
        <Saved desk={props.desk} />
        <div className={styles.wide}>
          <CommandButton id="rail" icon="panel" iconOnly onClick={props.onRail} />
          <CommandButton id="help" icon="help" iconOnly onClick={props.onHelp} />
        </div>
        <CommandButton id="instructions" icon="info" iconOnly onClick={props.onInstructions} />
        <div className={styles.wide}>
          <Tooltip content={t("mine.title")} relationship="label" showDelay={500}>
            <Button
              appearance="subtle"
              icon={<Icon name="mine" />}
              onClick={() => navigate(`/projects/${project.project_id}/mine`)}
            />
          </Tooltip>
        </div>
        <AccountMenu />
      </div>
    </div>
  );
}

/** The layouts where there is no room for a row of them. */
function LayoutMenu({
  layout,
  onLayout,
}: {
  layout: Layout;
  onLayout: (layout: Layout) => void;
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <Menu
      checkedValues={{ layout: [String(layout)] }}
      onCheckedValueChange={(_, { checkedItems }) => {
        const chosen = layouts.find((one) => String(one) === checkedItems[0]);
        if (chosen) onLayout(chosen);
      }}
    >
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          className={styles.layoutMenu}
          icon={<Icon name={`layout${layout}`} />}
          aria-label={`${t("label.layout")}: ${layout}`}
        />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {layouts.map((one) => (
            <MenuItemRadio
              key={one}
              name="layout"
              value={String(one)}
              icon={<Icon name={`layout${one}`} />}
            >
              {t("label.layoutOf", { count: one })}
            </MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
