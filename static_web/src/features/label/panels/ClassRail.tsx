import { Button, Input, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import {
  memo,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
} from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass } from "@/api/types";
import { classKey, classTree, findClasses, type ClassNode } from "@/classes";
import { announce } from "@/ui/announcer";
import { useKey, useKeyMap } from "@/keys/keyMap";
import { ClassMark } from "@/ui/ClassMark";
import { Icon } from "@/ui/Icon";

import { rememberedRecent, rememberRecent, withUse } from "./recent";

const KEYED = 10; // the first ten have keys
const ROWS_AT_ONCE = 100; // more take longer to draw than anybody reads; typing finds the others
const ANNOUNCE_AFTER_MS = 500;

const useStyles = makeStyles({
  rail: {
    display: "grid",
    gridTemplateRows: "auto minmax(0, 1fr) auto",
    minHeight: 0,
    minWidth: 0,
    backgroundColor: tokens.colorNeutralBackground2,
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": {
      borderRight: "none",
      borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    },
  },
  find: { margin: "8px", minWidth: 0 },
  // Where an image is drawn on, all room is for it: the classes are in one line.
  line: {
    "@media (max-width: 720px)": { display: "flex", alignItems: "center", overflowX: "auto" },
  },
  findInLine: {
    "@media (max-width: 720px)": {
      flex: "none",
      position: "sticky",
      left: "8px",
      zIndex: 1,
      width: "136px",
      marginBlock: 0,
    },
  },
  listInLine: {
    "@media (max-width: 720px)": {
      flex: "1 0 auto",
      flexWrap: "nowrap",
      overflowY: "visible",
      paddingBottom: 0,
    },
  },
  list: {
    overflowY: "auto",
    paddingInline: "4px",
    paddingBottom: "8px",
    scrollbarWidth: "thin",
    "@media (max-width: 720px)": {
      display: "flex",
      flexWrap: "wrap",
      alignContent: "flex-start",
      gap: "4px",
      paddingInline: "8px",
    },
  },
  group: {
    display: "flex",
    alignItems: "center",
    gap: "4px",
    width: "calc(100% - var(--depth) * 12px)",
    minHeight: "28px",
    padding: "4px 4px 2px",
    marginLeft: "calc(var(--depth) * 12px)",
    border: "none",
    borderRadius: "4px",
    backgroundColor: "transparent",
    font: "inherit",
    fontSize: "12px",
    lineHeight: "16px",
    textAlign: "left",
    color: tokens.colorNeutralForeground2,
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
    "@media (max-width: 720px)": { width: "auto", marginLeft: 0, minHeight: "44px" },
  },
  chevron: { display: "inline-flex" },
  folded: { rotate: "-90deg" },
  recent: {
    paddingInline: "4px",
    paddingBlock: "4px",
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": {
      order: -1,
      display: "flex",
      gap: "4px",
      paddingInline: "8px",
      overflowX: "auto",
      borderTop: "none",
    },
  },
  recentName: {
    margin: 0,
    padding: "4px 8px 2px",
    fontSize: "12px",
    lineHeight: "16px",
    fontWeight: 400,
    color: tokens.colorNeutralForeground2,
    "@media (max-width: 720px)": { display: "none" },
  },
  more: { margin: "4px", whiteSpace: "normal" },
  row: {
    position: "relative",
    display: "flex",
    alignItems: "center",
    gap: "8px",
    width: "calc(100% - var(--depth) * 12px)",
    marginLeft: "calc(var(--depth) * 12px)",
    minHeight: "32px",
    padding: "4px 8px",
    border: "none",
    borderRadius: "4px",
    backgroundColor: "transparent",
    color: tokens.colorNeutralForeground1,
    font: "inherit",
    fontSize: "14px",
    textAlign: "left",
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
    "@media (max-width: 720px)": {
      width: "auto",
      flex: "none",
      marginLeft: 0,
      minHeight: "44px",
      backgroundColor: tokens.colorNeutralBackground1Hover,
    },
  },
  on: {
    backgroundColor: tokens.colorSubtleBackgroundSelected,
    // A chip has a ground of its own.
    "@media (max-width: 720px)": {
      backgroundColor: tokens.colorNeutralBackground1Selected,
      boxShadow: `inset 0 0 0 2px ${tokens.colorCompoundBrandStroke}`,
    },
  },
  best: { outline: `1px solid ${tokens.colorNeutralStroke1}`, outlineOffset: "-1px" },
  name: { position: "relative", flex: 1, minWidth: 0, overflowWrap: "anywhere" },
  // The groups of a class are part of its name to those who do not see where it stands.
  within: { position: "absolute", clipPath: "inset(50%)", width: "1px", overflow: "hidden" },
  key: {
    flex: "none",
    minWidth: "20px",
    textAlign: "center",
    fontFamily: "inherit",
    fontSize: "12px",
    lineHeight: "18px",
    color: tokens.colorNeutralForeground2,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "3px",
    "@media (hover: none)": { display: "none" },
  },
  none: { padding: "8px", color: tokens.colorNeutralForeground3, fontSize: "13px" },
});

interface Props {
  projectId: string;
  classes: readonly LabelClass[];
  /** Classes that all images in hand have. */
  on: ReadonlySet<string>;
  findRef: Ref<HTMLInputElement>;
  /** In one line on a phone. */
  inLine?: boolean;
  onChoose: (index: number) => void;
  onLeave: () => void;
}

/** The classes with their keys, groups that fold; typing finds one among many. */
export const ClassRail = memo(function ClassRail(props: Props): ReactNode {
  const { projectId, classes, on, findRef, inLine = false, onChoose, onLeave } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const findKey = useKey("findClass").aria;
  const { singleKeys } = useKeyMap();
  const [typed, setTyped] = useState("");
  const [best, setBest] = useState(0);
  const [most, setMost] = useState(ROWS_AT_ONCE);
  const [folded, fold] = useFolded(projectId);
  const [recent, setRecent] = useState(() => rememberedRecent(projectId));
  const list = useRef<HTMLDivElement>(null);
  const names = useMemo(() => classes.map((one) => one.name), [classes]);
  const tree = useMemo(() => classTree(names), [names]);
  const found = useMemo(() => (typed.trim() ? findClasses(names, typed) : null), [names, typed]);
  const groups = useMemo(
    () =>
      new Set(
        tree.filter((node, at) => (tree[at + 1]?.depth ?? 0) > node.depth).map(({ path }) => path),
      ),
    [tree],
  );
  const open = useMemo(() => unfolded(tree, folded), [tree, folded]);
  const rows: readonly ClassNode[] = found
    ? found.map((index) => ({
        index,
        depth: 0,
        path: names[index] ?? "",
        name: names[index] ?? "",
      }))
    : open;
  const chosen = found?.[best];

  const latest = useRef(onChoose);
  useEffect(() => {
    latest.current = onChoose;
  });
  const choose = useCallback(
    (index: number) => {
      const id = classes[index]?.class_id;
      if (index >= KEYED && id !== undefined)
        setRecent((before) => {
          const next = withUse(before, id);
          rememberRecent(projectId, next);
          return next;
        });
      latest.current(index);
    },
    [classes, projectId],
  );

  const type = (text: string) => {
    setTyped(text);
    setBest(0);
    setMost(ROWS_AT_ONCE);
  };
  const leave = () => {
    type("");
    onLeave();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // A syllable that is still composed comes again with a key of its own.
    if (event.nativeEvent.isComposing) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const last = Math.min(found?.length ?? 0, most) - 1;
    if (by) setBest(Math.max(0, Math.min(best + by, last)));
    if (event.key === "Enter" && chosen !== undefined) {
      choose(chosen);
      leave();
    }
    if (event.key === "Escape") leave();
    if (by || event.key === "Enter" || event.key === "Escape") event.preventDefault();
  };

  // What Enter would choose is seen, and heard once the typing rests.
  const said =
    found &&
    (chosen === undefined
      ? t("label.findNothing")
      : t("label.found", { name: names[chosen], count: found.length }));
  useEffect(() => {
    list.current?.querySelector("[data-best]")?.scrollIntoView({ block: "nearest" });
    if (!said) return;
    const timer = setTimeout(() => announce(said), ANNOUNCE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [said]);

  const row = (node: ClassNode & { index: number }, isBest: boolean, withKey: boolean) => {
    const one = classes[node.index];
    return (
      <ClassRow
        key={node.path}
        node={node}
        colour={one?.colour ?? 0}
        description={one?.description ?? ""}
        on={one ? on.has(one.class_id) : false}
        best={isBest}
        hint={withKey && singleKeys ? classKey(node.index) : null}
        onChoose={choose}
      />
    );
  };
  const recentRows = recent.shown.flatMap((id) => {
    const index = classes.findIndex((one) => one.class_id === id);
    const path = names[index];
    if (path === undefined) return [];
    return [{ index, depth: 0, path, name: path.slice(path.lastIndexOf("/") + 1) }];
  });

  return (
    <section
      className={mergeClasses(styles.rail, inLine && styles.line)}
      aria-label={t("label.classes")}
    >
      <Input
        className={mergeClasses(styles.find, inLine && styles.findInLine)}
        input={{ ref: findRef }}
        value={typed}
        size="medium"
        appearance="filled-darker"
        contentBefore={<Icon name="search" size={16} />}
        placeholder={t("label.find")}
        aria-label={t("label.find")}
        aria-keyshortcuts={findKey}
        autoComplete="off"
        spellCheck={false}
        onChange={(_, data) => type(data.value)}
        onKeyDown={onKeyDown}
      />
      <div ref={list} className={mergeClasses(styles.list, inLine && styles.listInLine)}>
        {rows.slice(0, most).map((node, place) => {
          const { index } = node;
          const parent = !found && groups.has(node.path);
          return index === null || parent ? (
            <GroupRow
              key={node.path}
              node={node}
              folded={folded.has(node.path)}
              onFold={fold}
              row={index === null ? null : row({ ...node, index }, false, true)}
            />
          ) : (
            row({ ...node, index }, found !== null && place === best, true)
          );
        })}
        {rows.length > most && (
          <Button
            appearance="subtle"
            size="small"
            className={styles.more}
            onClick={() => setMost(most + ROWS_AT_ONCE)}
          >
            {t("label.moreClasses", { count: rows.length - most })}
          </Button>
        )}
        {found?.length === 0 && <div className={styles.none}>{t("label.findNothing")}</div>}
      </div>
      {recentRows.length > 0 && (
        <div role="group" aria-label={t("label.recent")} className={styles.recent}>
          <h3 className={styles.recentName}>{t("label.recent")}</h3>
          {recentRows.map((node) => row(node, false, false))}
        </div>
      )}
    </section>
  );
});

interface ClassRowProps {
  node: ClassNode & { index: number };
  colour: number;
  description: string;
  on: boolean;
  best: boolean;
  hint: string | null;
  onChoose: (index: number) => void;
}

const ClassRow = memo(
  function ClassRow(props: ClassRowProps): ReactNode {
    const { node, colour, description, on, best, hint, onChoose } = props;
    const styles = useStyles();
    return (
      <button
        type="button"
        className={mergeClasses(styles.row, on && styles.on, best && styles.best)}
        style={depth(node)}
        aria-pressed={on}
        {...(hint && { "aria-keyshortcuts": hint })}
        {...(best && { "data-best": "" })}
        title={description || undefined}
        onClick={() => onChoose(node.index)}
      >
        <ClassMark colour={colour} />
        <span className={styles.name}>
          <span className={styles.within}>{node.path.slice(0, -node.name.length)}</span>
          {node.name}
        </span>
        {hint && (
          <kbd className={styles.key} aria-hidden>
            {hint}
          </kbd>
        )}
      </button>
    );
  },
  (before, after) =>
    before.node.path === after.node.path &&
    before.node.index === after.node.index &&
    before.node.depth === after.node.depth &&
    before.colour === after.colour &&
    before.description === after.description &&
    before.on === after.on &&
    before.best === after.best &&
    before.hint === after.hint &&
    before.onChoose === after.onChoose,
);

interface GroupRowProps {
  node: ClassNode;
  folded: boolean;
  onFold: (path: string) => void;
  /** The group itself as a class, where it is one. */
  row: ReactNode;
}

function GroupRow({ node, folded, onFold, row }: GroupRowProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <>
      {row}
      <button
        type="button"
        className={styles.group}
        style={depth(node)}
        aria-expanded={!folded}
        onClick={() => onFold(node.path)}
      >
        <span className={mergeClasses(styles.chevron, folded && styles.folded)}>
          <Icon name="chevron" size={16} />
        </span>
        {row ? t("label.kindsOf", { name: node.name }) : node.name}
      </button>
    </>
  );
}

/** How far a row stands in; narrow screens show all of them side by side. */
function depth(node: ClassNode): CSSProperties {
  return { "--depth": node.depth } as CSSProperties;
}

/** The rows that are in no folded group. */
function unfolded(tree: readonly ClassNode[], folded: ReadonlySet<string>): readonly ClassNode[] {
  if (!folded.size) return tree;
  const shut = [...folded].map((path) => `${path}/`);
  return tree.filter((node) => !shut.some((path) => node.path.startsWith(path)));
}

/** The groups that are folded, remembered for each project. */
function useFolded(projectId: string): [ReadonlySet<string>, (path: string) => void] {
  const key = `labelry.folded.${projectId}`;
  const [folded, setFolded] = useState(
    () => new Set(JSON.parse(localStorage.getItem(key) ?? "[]") as string[]),
  );
  const fold = (path: string) => {
    const next = new Set(folded);
    if (!next.delete(path)) next.add(path);
    localStorage.setItem(key, JSON.stringify([...next]));
    setFolded(next);
  };
  return [folded, fold];
}
