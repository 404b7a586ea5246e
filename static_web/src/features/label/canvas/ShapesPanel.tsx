import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode, Ref } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass } from "@/api/types";
import type { AttributeValue } from "@/attributes";
import { CommandButton } from "@/keys/CommandButton";
import { Icon } from "@/ui/Icon";

import { AttributePanel } from "../panels/AttributePanel";
import { describeWork } from "../session/describe";
import { ShapeList } from "./ShapeList";
import type { OnImage } from "./useOnImage";

const useStyles = makeStyles({
  shapes: {
    position: "relative",
    display: "grid",
    gridTemplateRows: "auto auto minmax(0, 1fr) fit-content(50%)",
    minHeight: 0,
    minWidth: 0,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": {
      display: "flex",
      alignItems: "center",
      flexDirection: "row-reverse",
      borderRight: "none",
    },
  },
  sheet: {
    display: "contents",
    "@media (max-width: 720px)": {
      position: "absolute",
      insetInline: 0,
      bottom: "calc(100% + 56px)",
      zIndex: 1,
      display: "grid",
      gridTemplateRows: "minmax(44px, auto) auto",
      maxHeight: "40dvh",
      backgroundColor: tokens.colorNeutralBackground2,
      borderTop: `1px solid ${tokens.colorNeutralStroke1}`,
    },
  },
  lowered: { "@media (max-width: 720px)": { display: "none" } },
  up: { "& svg": { rotate: "180deg" } },
  raise: { display: "none", "@media (max-width: 720px)": { display: "contents" } },
  head: {
    display: "flex",
    alignItems: "center",
    minHeight: "36px",
    paddingInline: "12px 2px",
    "@media (max-width: 720px)": { flex: "none" },
  },
  heading: {
    flex: 1,
    minWidth: 0,
    margin: 0,
    fontSize: "13px",
    lineHeight: "18px",
    fontWeight: 600,
    whiteSpace: "nowrap",
    fontVariantNumeric: "tabular-nums",
    "@media (max-width: 720px)": { display: "none" },
  },
  attributes: { minHeight: 0, overflowY: "auto", scrollbarWidth: "thin" },
  // Two lines, so that the list below does not jump.
  status: {
    minHeight: "36px",
    margin: 0,
    paddingInline: "12px",
    fontSize: "12px",
    lineHeight: "18px",
    color: tokens.colorNeutralForeground2,
    "@media (max-width: 720px)": {
      flex: 1,
      minWidth: 0,
      minHeight: 0,
      overflow: "hidden",
      textOverflow: "ellipsis",
      whiteSpace: "nowrap",
    },
  },
});

interface Props {
  image: OnImage;
  classes: readonly LabelClass[];
  /** Nothing may be changed just now. */
  closed: boolean;
  /** Suggestions that nobody has looked at. */
  unseen: ReadonlySet<string>;
  /** Where there is room for one line of it only: whether the list is up. */
  raised: boolean;
  onRaise: (raised: boolean) => void;
  attributesRef: Ref<HTMLDivElement>;
  onAccept: (ids: readonly string[]) => void;
  onRejectAll: () => void;
  onDelete: (id: string) => void;
  onDeleteAll: () => void;
  onSelect: (ids: readonly string[]) => void;
  onRename: () => void;
  onSay: (name: string, value: AttributeValue | undefined) => void;
  /** The keyboard is the image's again. */
  onLeave: () => void;
}

/** What is on the image, shape by shape, and what is said of those that are selected. */
export function ShapesPanel(props: Props): ReactNode {
  const { image, classes, closed, raised, attributesRef, onSay, onLeave } = props;
  const { shapes, selection, alike, asked } = image;
  const { t } = useTranslation();
  const styles = useStyles();
  const status = image.describe(selection, shapes);
  const outcome = describeOutcome();
  const [first] = alike;
  const className = classes.find((one) => one.class_id === first?.class_id)?.name ?? "";
  return (
    <section className={styles.shapes} aria-label={t("canvas.shapes")}>
      <div className={styles.head}>
        <h2 className={styles.heading}>
          {shapes.length ? t("canvas.shapesOf", { count: shapes.length }) : t("canvas.shapes")}
        </h2>
        {image.open.length > 0 && (
          <>
            <CommandButton
              id="acceptAll"
              icon="check"
              iconOnly
              disabled={closed}
              onClick={() => props.onAccept(image.open)}
            />
            <CommandButton
              id="rejectAll"
              icon="clear"
              iconOnly
              disabled={closed}
              onClick={props.onRejectAll}
            />
          </>
        )}
        {shapes.length > 0 && (
          <CommandButton
            id="deleteAll"
            icon="trash"
            iconOnly
            disabled={closed}
            onClick={props.onDeleteAll}
          />
        )}
        <span className={styles.raise}>
          <Button
            appearance="subtle"
            className={mergeClasses(!raised && styles.up)}
            icon={<Icon name="chevron" />}
            aria-label={t("canvas.list")}
            aria-expanded={raised}
            disabledFocusable={!shapes.length}
            onClick={() => props.onRaise(!raised)}
          />
        </span>
      </div>
      <p className={styles.status} data-testid="status">
        {outcome && <span data-testid="outcome">{outcome}</span>}
        {outcome && status && ", "}
        {status || (outcome ? "" : t(shapes.length ? "canvas.noneSelected" : "canvas.noShapes"))}
      </p>
      <div className={mergeClasses(styles.sheet, !(raised && shapes.length) && styles.lowered)}>
        <ShapeList
          size={image.item}
          shapes={shapes}
          suggestions={image.suggestions}
          lockedIds={image.locks}
          unseenIds={props.unseen}
          selection={selection}
          classes={classes}
          closed={closed}
          onSelect={props.onSelect}
          onAccept={(id) => props.onAccept([id])}
          onDelete={props.onDelete}
          onRename={props.onRename}
        />
        <div ref={attributesRef} className={styles.attributes}>
          {asked.length > 0 && (
            <AttributePanel
              title={alike.length > 1 ? status : className}
              attributes={asked}
              about={alike}
              closed={closed}
              onSay={onSay}
              onLeave={onLeave}
            />
          )}
        </div>
      </div>
    </section>
  );

  /** What the whole image is, where its shapes do not tell. */
  function describeOutcome(): string {
    const { work } = image;
    if (work?.outcome === "labeled" && !shapes.length) return t("canvas.nothingHere");
    if (work?.outcome === "skipped" || work?.outcome === "needs_review")
      return describeWork(t, { ...work, annotations: [] }, classes);
    return "";
  }
}
