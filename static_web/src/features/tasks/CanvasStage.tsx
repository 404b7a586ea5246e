import {
  makeStyles,
  mergeClasses,
  tokens,
  ToggleButton,
  Tooltip,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Annotator, type AnnotatorHandle } from "@/annotate/Annotator";
import type { Notice, Settings } from "@/annotate/editor";
import type { Change } from "@/annotate/edits";
import type { ToolId } from "@/annotate/tools/tools";
import { newId } from "@/api/client";
import { progressQuery } from "@/api/queries";
import type { Annotation, Project } from "@/api/types";
import { classAtKey } from "@/classes";
import { formatPercent } from "@/format";
import { useCommands, type Handlers } from "@/keyboard";
import { useKey } from "@/keyMap";
import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";

import { Full, OpenElsewhere, Refused } from "./Banners";
import { BottomBar } from "./BottomBar";
import { ClassRail } from "./ClassRail";
import { CommandButton } from "./CommandButton";
import { describeWork, skipReasons } from "./describe";
import { MAX_UNSAVED } from "./desk";
import { rememberedTool, rememberTool, suggestionsOf, toolsOf, type ToolCommand } from "./drawing";
import { Explain, type Offer } from "./Explain";
import { HelpDialog } from "./HelpDialog";
import { InstructionsDialog, instructionsAreNew, rememberInstructions } from "./InstructionsDialog";
import { decidedCount, isComplete, shapesOf, type SessionEvent } from "./session";
import { ShapeList } from "./ShapeList";
import { TopBar } from "./TopBar";
import { useDesk } from "./useDesk";
import { Waiting } from "./Waiting";

const PROGRESS_EVERY_MS = 30_000;
/** Suggestions that were shown for this long count as looked at. */
export const SEEN_AFTER_MS = 400;
const ZOOM_STEP = 1.5;
const LIGHT_STEP = 1.15;
const LIGHT_MOST = 4;
/** One image a page: each Enter submits, and the pages after it are there already. */
const PAGE_SIZE = 1;

const PLAIN: Settings = { brightness: 1, contrast: 1, fill: 0.15, guides: true, hidden: false };

const useStyles = makeStyles({
  frame: {
    display: "grid",
    height: "100%",
    gridTemplateColumns: "44px minmax(0, 1fr) 232px",
    gridTemplateRows: "44px minmax(0, 1fr) 52px",
    gridTemplateAreas: '"top top top" "tools stage panel" "bottom bottom bottom"',
    "@media (max-width: 720px)": {
      gridTemplateColumns: "minmax(0, 1fr)",
      gridTemplateRows: "44px 48px minmax(0, 1fr) minmax(112px, 24dvh) 60px",
      gridTemplateAreas: '"top" "tools" "stage" "panel" "bottom"',
    },
  },
  withoutPanel: {
    gridTemplateColumns: "44px minmax(0, 1fr) 0",
    "@media (max-width: 720px)": {
      gridTemplateColumns: "minmax(0, 1fr)",
      gridTemplateRows: "44px 48px minmax(0, 1fr) 0 60px",
    },
  },
  top: { gridArea: "top", minWidth: 0, backgroundColor: tokens.colorNeutralBackground1 },
  tools: {
    gridArea: "tools",
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    gap: "2px",
    paddingBlock: "6px",
    minHeight: 0,
    overflowY: "auto",
    scrollbarWidth: "none",
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": {
      flexDirection: "row",
      paddingBlock: 0,
      paddingInline: "4px",
      overflowX: "auto",
      overflowY: "hidden",
      borderRight: "none",
    },
  },
  tool: { minWidth: "32px", flex: "none", paddingInline: "5px" },
  line: {
    flex: "none",
    width: "24px",
    height: "1px",
    marginBlock: "4px",
    backgroundColor: tokens.colorNeutralStroke1,
    "@media (max-width: 720px)": { width: "1px", height: "24px", marginInline: "4px" },
  },
  stage: {
    gridArea: "stage",
    minWidth: 0,
    minHeight: 0,
    display: "flex",
    flexDirection: "column",
    backgroundColor: tokens.colorNeutralBackground2,
  },
  image: { flex: "1 1 0", minHeight: 0, position: "relative" },
  unreadable: {
    position: "absolute",
    inset: 0,
    display: "grid",
    placeItems: "center",
    pointerEvents: "none",
  },
  panel: {
    gridArea: "panel",
    minHeight: 0,
    minWidth: 0,
    display: "grid",
    gridTemplateRows: "minmax(96px, 1fr) minmax(96px, 1fr)",
    borderLeft: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": {
      gridTemplateRows: "minmax(0, 1fr)",
      gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
      borderLeft: "none",
    },
  },
  hidden: { visibility: "hidden" },
  shapes: {
    display: "grid",
    gridTemplateRows: "auto minmax(0, 1fr)",
    minHeight: 0,
    minWidth: 0,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  status: { margin: 0, padding: "8px 12px 4px", fontSize: "13px", lineHeight: "18px" },
  bottom: { gridArea: "bottom", minWidth: 0, backgroundColor: tokens.colorNeutralBackground1 },
  idle: { display: "none" },
  howTo: {
    position: "absolute",
    width: "1px",
    height: "1px",
    overflow: "hidden",
    clipPath: "inset(50%)",
  },
});

/** Labeling by shapes: one image, the tools, and the list of what is on it. */
export default function CanvasStage({
  project,
  userId,
}: {
  project: Project;
  userId: string;
}): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const { classes, task_type: type } = project;
  const [tool, setTool] = useState(() => rememberedTool(type));
  const [activeClass, setActiveClass] = useState(classes[0]?.class_id ?? null);
  const [settings, setSettings] = useState(PLAIN);
  const [chosen, setChosen] = useState<{ itemId: string; ids: readonly string[] } | null>(null);
  const [locks, setLocks] = useState<ReadonlySet<string>>(new Set());
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const [imageState, setImageState] = useState<"loading" | "ready" | "failed">("loading");
  const [scale, setScale] = useState(1);
  const [panel, setPanel] = useState(true);
  const [onCanvas, setOnCanvas] = useState(false);
  const [help, setHelp] = useState(false);
  const [instructions, setInstructions] = useState(() => instructionsAreNew(project));
  const [offer, setOffer] = useState<Offer | null>(null);
  const editor = useRef<AnnotatorHandle>(null);
  const find = useRef<HTMLInputElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const nudged = useRef("");
  const progress = useQuery(progressQuery(project.project_id, PROGRESS_EVERY_MS)).data;
  const open = useDesk(project, userId, PAGE_SIZE);
  const session = open?.state.session;
  const page = session?.pages[0];
  const item = page?.items[session?.focus ?? 0];
  const itemId = item?.item_id;
  const work = itemId === undefined ? undefined : page?.work[itemId];
  const locked = Boolean(open?.state.readOnly ?? open?.state.full);
  const tools = useMemo(() => toolsOf(type), [type]);
  const on = useMemo(() => new Set(activeClass === null ? [] : [activeClass]), [activeClass]);

  const shapes = useMemo(() => (work ? shapesOf(work) : []), [work]);
  const suggestions = useMemo(
    () => (item ? suggestionsOf(item, work, shapes) : new Map<string, never>()),
    [item, work, shapes],
  );
  const selection = useMemo(
    () =>
      chosen?.itemId === itemId
        ? (chosen?.ids.filter((id) => shapes.some((one) => one.annotation_id === id)) ?? [])
        : [],
    [chosen, itemId, shapes],
  );
  const openSuggestions = [...suggestions].filter(([, one]) => !one.touched).map(([id]) => id);

  const focusCanvas = useCallback(() => editor.current?.focus(), []);
  const canvas = useCallback(
    () => stage.current?.querySelector<HTMLElement>("[role=application]"),
    [],
  );

  const nameOf = (classId: string | null) =>
    classes.find((one) => one.class_id === classId)?.name ?? "";
  const describe = (ids: readonly string[], among: readonly Annotation[]): string => {
    const at = among.findIndex((one) => one.annotation_id === ids[0]);
    const shape = among[at];
    if (!shape) return "";
    if (ids.length > 1) return t("canvas.many", { count: ids.length });
    const values = {
      kind: shape.geometry.kind === "box" ? t("canvas.box") : t("canvas.polygon"),
      position: at + 1,
      count: among.length,
      name: nameOf(shape.class_id),
    };
    const suggestion = suggestions.get(shape.annotation_id);
    if (!suggestion || suggestion.touched) return t("canvas.status", values);
    const percent = formatPercent(suggestion.confidence, i18n.language);
    return t("canvas.statusSuggested", { ...values, percent });
  };

  /** Does it, unless nothing may be changed just now. False: it was not done. */
  const act = (event: SessionEvent): boolean => {
    if (!open) return false;
    if (locked && "at" in event) {
      announce(t("label.locked"));
      return false;
    }
    nudged.current = "";
    open.desk.act(event);
    if (event.type !== "explain") setOffer(null);
    return true;
  };
  const select = (ids: readonly string[]): void => {
    if (itemId === undefined) return;
    setChosen({ itemId, ids });
    const said = describe(ids, shapes);
    if (said) announce(said);
  };
  const change = (next: Annotation[], { what, ids }: Change): void => {
    if (itemId === undefined) return;
    const mark = what === "nudge" ? ids.join() : "";
    const joins = mark !== "" && mark === nudged.current;
    if (!act({ type: "annotate", itemId, annotations: next, joins, at: clock() })) return;
    nudged.current = mark;
    const about = describe(ids, next);
    announce([t(`canvas.did.${what}`), about].filter(Boolean).join(": "));
  };
  const notice = (one: Notice): void => {
    if (one.type === "refused") announce(t(`canvas.refused.${one.why}`));
    else if (one.type === "points") announce(t("canvas.points", { count: one.count }));
    else announce(t("canvas.tangled"));
  };
  const sayWork = (): void => {
    const now = open?.desk.state().session.pages[0];
    if (!now || itemId === undefined) return;
    const done = decidedCount(now);
    const position = now.items.findIndex((one) => one.item_id === itemId) + 1;
    const said = describeWork(t, now.work[itemId], classes);
    announce(t("label.said", { position, work: said, done, all: now.items.length }));
  };

  const chooseTool = (wanted: ToolId): void => {
    if (!tools.some((one) => one.tool === wanted)) return;
    rememberTool(type, wanted);
    setTool(wanted);
    const id = tools.find((one) => one.tool === wanted)?.id;
    if (id) announce(t(`commands.${id}`));
    focusCanvas();
  };
  const chooseClass = (index: number): void => {
    const wanted = classes[index];
    if (!wanted) return;
    setActiveClass(wanted.class_id);
    if (selection.length && !editor.current?.isDrafting()) {
      if (locked) announce(t("label.locked"));
      else editor.current?.classify(wanted.class_id);
    } else announce(t("canvas.classChosen", { name: wanted.name }));
  };
  const decide = (outcome: "skipped" | "needs_review" | "labeled"): void => {
    if (!page || itemId === undefined) return;
    if (!act({ type: "decide", outcome, at: clock() })) return;
    sayWork();
    const now = open?.desk.state().session.pages[0]?.work[itemId]?.outcome;
    if (now === outcome && outcome !== "labeled")
      setOffer({ about: outcome, taskId: page.task.task_id, itemIds: [itemId], typing: false });
  };
  const closeOffer = (): void => {
    setOffer(null);
    requestAnimationFrame(focusCanvas);
  };
  const explain = (words: { reason: string } | { note: string }): void => {
    if (offer && page?.task.task_id === offer.taskId)
      act({ type: "explain", itemIds: offer.itemIds, ...words, at: clock() });
    closeOffer();
  };
  const remove = (ids: readonly string[]): void => {
    const next = shapes.filter((one) => !ids.includes(one.annotation_id));
    change(next, { what: "delete", ids });
  };
  const confirm = (ids: readonly string[]): void => {
    if (itemId === undefined) return;
    if (!ids.length) announce(t("canvas.noSuggestions"));
    else if (act({ type: "confirm", itemId, annotationIds: ids, at: clock() }))
      announce(t("canvas.acceptedAll", { count: ids.length }));
  };
  /** Whether nothing is half drawn that would get lost. */
  const finished = (): boolean => {
    if (!editor.current?.isDrafting()) return true;
    announce(t("canvas.finishFirst"));
    return false;
  };
  const accept = (): void => {
    open?.desk.act({ type: "accept", itemIds: seen, annotationId: newId("a"), at: clock() });
  };
  const submit = (): void => {
    if (!open || !page || !finished()) return;
    if (locked) {
      announce(t("label.locked"));
      return;
    }
    accept();
    const now = open.desk.state().session.pages[0];
    if (!now || !decidedCount(now)) {
      const suggested = openSuggestions.length > 0;
      announce(suggested ? t("canvas.notSeen") : t("label.nothingToSubmit"));
      return;
    }
    open.desk.submit();
    setOffer(null);
    nudged.current = "";
    const next = open.desk.state().session.pages[0];
    announce(next ? t("label.saidPage", { images: next.items.length }) : t("label.saidSubmitted"));
  };
  const submitOrGoOn = (): void => {
    if (editor.current?.enter()) return;
    if (!locked) accept();
    const now = open?.desk.state().session.pages[0];
    if (now && isComplete(now)) submit();
    else if (now) {
      act({ type: "nextOpen" });
      announce(t("label.stillOpen", { count: now.items.length - decidedCount(now) }));
    }
  };
  const undo = (): void => {
    if (editor.current?.takeBack()) return;
    if (session?.past.length) {
      if (act({ type: "undo" })) sayWork();
    } else if (!locked) open?.desk.back();
    setOffer(null);
  };
  const redo = (): void => {
    if (act({ type: "redo" })) sayWork();
  };
  const go = (by: number): void => {
    if (finished()) act({ type: "move", by, extend: false });
  };
  const toggleLock = (): void => {
    const about = selection.length ? selection : shapes.map((one) => one.annotation_id);
    const every = about.every((id) => locks.has(id));
    setLocks(new Set([...locks].filter((id) => !about.includes(id)).concat(every ? [] : about)));
    announce(every ? t("canvas.unlocked") : t("canvas.nowLocked", { count: about.length }));
  };
  const lighten = (what: "brightness" | "contrast", by: number): void =>
    setSettings((before) => {
      const value = Math.min(LIGHT_MOST, Math.max(1 / LIGHT_MOST, before[what] * by));
      return { ...before, [what]: Math.abs(value - 1) < 0.01 ? 1 : value };
    });
  const zoomBy = (factor: number | null): void => {
    if (factor === null) editor.current?.fit();
    else editor.current?.zoomBy(factor);
  };
  /** What changes shapes only where that is allowed. */
  const edit = (run: (on: AnnotatorHandle) => void): void => {
    if (locked) announce(t("label.locked"));
    else if (editor.current) run(editor.current);
  };
  const arrow = (event: KeyboardEvent, how: { far?: boolean; fine?: boolean } = {}) => {
    const direction = ARROWS[event.code];
    if (direction && !(locked && selection.length)) editor.current?.arrow(direction, how);
  };
  const handlers: Handlers = {
    class: (event) => chooseClass(classAtKey(event.code.slice(-1))),
    findClass: () => {
      setPanel(true);
      requestAnimationFrame(() => find.current?.focus());
    },
    nothing: () => finished() && decide("labeled"),
    skip: () => finished() && decide("skipped"),
    ask: () => finished() && decide("needs_review"),
    reason: (event) => {
      if (offer?.about !== "skipped") return;
      const reason = skipReasons[Number(event.code.slice(-1)) - 1];
      if (reason) explain({ reason });
      else setOffer({ ...offer, typing: true });
    },
    ...Object.fromEntries(tools.map((one) => [one.id, () => chooseTool(one.tool)])),
    acceptAll: () => confirm(openSuggestions),
    rejectAll: () =>
      openSuggestions.length ? remove(openSuggestions) : announce(t("canvas.noSuggestions")),
    nudge: (event) => arrow(event),
    nudgeFar: (event) => arrow(event, { far: true }),
    nudgeFine: (event) => arrow(event, { fine: true }),
    copy: () => editor.current?.copy(),
    paste: () => edit((on) => on.paste()),
    duplicate: () => edit((on) => on.duplicate()),
    selectAllShapes: () => editor.current?.selectAll(),
    ...(type === "polygons" && {
      merge: () => edit((on) => on.merge()),
      subtract: () => edit((on) => on.subtract()),
      simplify: () => edit((on) => on.simplify()),
      untangle: () => edit((on) => on.untangle()),
    }),
    lastPoint: () => editor.current?.takeBack(),
    deleteShape: () => edit((on) => on.deleteSelected()),
    ...(onCanvas && {
      nextShape: () => editor.current?.cycle(1),
      previousShape: () => editor.current?.cycle(-1),
    }),
    leaveCanvas: () => {
      if (offer) closeOffer();
      else if (!editor.current?.escape()) canvas()?.blur();
    },
    lock: toggleLock,
    hide: (event) => editor.current?.hold("hide", event.code),
    pan: (event) => editor.current?.hold("pan", event.code),
    zoomToShape: () => editor.current?.zoomToSelection(),
    rotateLeft: () => editor.current?.turn(-1),
    rotateRight: () => editor.current?.turn(1),
    darker: () => lighten("brightness", 1 / LIGHT_STEP),
    brighter: () => lighten("brightness", LIGHT_STEP),
    lessContrast: () => lighten("contrast", 1 / LIGHT_STEP),
    moreContrast: () => lighten("contrast", LIGHT_STEP),
    plainImage: () => setSettings(PLAIN),
    previousImage: () => go(-1),
    nextImage: () => go(1),
    zoomIn: () => zoomBy(ZOOM_STEP),
    zoomOut: () => zoomBy(1 / ZOOM_STEP),
    zoomFit: () => zoomBy(null),
    submit: submitOrGoOn,
    submitNow: submit,
    undo,
    redo,
    instructions: () => setInstructions(true),
    rail: () => setPanel((before) => !before),
    help: () => setHelp(true),
  };
  useCommands("canvas", handlers);

  // An image counts as looked at once it was shown for a moment.
  useEffect(() => {
    if (itemId === undefined || imageState !== "ready") return;
    const timer = setTimeout(() => setSeen((before) => new Set(before).add(itemId)), SEEN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [itemId, imageState]);
  useEffect(() => {
    const busy =
      document.querySelector("[role=dialog], [role=menu]") ??
      document.activeElement?.closest("input, textarea");
    if (itemId !== undefined && !busy) focusCanvas();
  }, [itemId, focusCanvas]);
  // The pictures of the next pages are there before they are asked for.
  const ahead = session?.pages[1];
  useEffect(() => {
    for (const one of ahead?.items ?? []) new Image().src = one.images.preview;
  }, [ahead]);

  const suggested =
    page?.items.some((one) => {
      const its = page.work[one.item_id];
      return !its?.outcome && Boolean(its?.suggestions.length) && seen.has(one.item_id);
    }) ?? false;
  const status = describe(selection, shapes);
  const then = (run: () => void): void => {
    run();
    focusCanvas();
  };
  const some = selection.length > 0;

  return (
    <div className={mergeClasses(styles.frame, !panel && styles.withoutPanel)}>
      <header className={styles.top}>
        <TopBar
          project={project}
          progress={progress}
          kind={page?.task.kind}
          layout={null}
          desk={open?.desk ?? null}
          zoom={item ? scale : null}
          quick={null}
          onZoom={(factor) => then(() => zoomBy(factor))}
          onInstructions={() => setInstructions(true)}
          onHelp={() => setHelp(true)}
          onRail={() => setPanel(!panel)}
        />
      </header>
      <div role="toolbar" aria-label={t("canvas.tools")} className={styles.tools}>
        {tools.map((one) => (
          <ToolButton
            key={one.id}
            command={one}
            on={tool === one.tool}
            onChoose={() => chooseTool(one.tool)}
          />
        ))}
        <span className={styles.line} />
        <CommandButton id="lock" icon="lock" iconOnly onClick={() => then(toggleLock)} />
        <CommandButton
          id="duplicate"
          icon="duplicate"
          iconOnly
          disabled={!some || locked}
          onClick={() => then(() => edit((it) => it.duplicate()))}
        />
        {type === "polygons" && (
          <>
            {(["merge", "subtract", "simplify", "untangle"] as const).map((id) => (
              <CommandButton
                key={id}
                id={id}
                icon={id}
                iconOnly
                disabled={!some || locked}
                onClick={() => then(() => edit((it) => it[id]()))}
              />
            ))}
          </>
        )}
        <CommandButton
          id="deleteShape"
          icon="trash"
          iconOnly
          disabled={!some || locked}
          onClick={() => then(() => edit((it) => it.deleteSelected()))}
        />
        <span className={styles.line} />
        <CommandButton
          id="rotateLeft"
          icon="rotateLeft"
          iconOnly
          onClick={() => then(() => editor.current?.turn(-1))}
        />
        <CommandButton
          id="rotateRight"
          icon="rotateRight"
          iconOnly
          onClick={() => then(() => editor.current?.turn(1))}
        />
        <CommandButton
          id="plainImage"
          icon="brightness"
          iconOnly
          disabled={settings === PLAIN}
          onClick={() => then(() => setSettings(PLAIN))}
        />
      </div>
      <main className={styles.stage} aria-busy={open?.state.goingBack ?? false}>
        {open?.state.readOnly && <OpenElsewhere onTakeOver={open.desk.takeOver} />}
        {open?.state.full && <Full pages={MAX_UNSAVED} />}
        {open && page && (
          <Refused page={page} onDiscard={() => open.desk.discard(page.task.task_id)} />
        )}
        <div
          ref={stage}
          role="presentation"
          className={styles.image}
          onFocus={() => setOnCanvas(true)}
          onBlur={() => setOnCanvas(false)}
        >
          {session && page && item ? (
            <>
              <Annotator
                ref={editor}
                label={t("canvas.image", {
                  position: session.focus + 1,
                  count: page.items.length,
                  path: item.path,
                })}
                describedBy="canvas-how-to"
                item={item}
                annotations={shapes}
                selection={selection}
                classes={classes}
                activeClassId={activeClass}
                tool={locked ? "pan" : tool}
                suggestions={suggestions}
                locked={locks}
                settings={settings}
                newId={() => newId("a")}
                onChange={change}
                onSelect={select}
                onNotice={notice}
                onView={(view) => setScale(view.scale)}
                onImage={(state) => {
                  setImageState(state);
                  if (state === "failed") open.desk.signAgain([item.item_id]);
                }}
              />
              {imageState === "failed" && (
                <div role="alert" className={styles.unreadable}>
                  {t("canvas.unreadable")}
                </div>
              )}
              <span id="canvas-how-to" className={styles.howTo}>
                {t("canvas.howTo")}
              </span>
            </>
          ) : (
            <Waiting
              why={open?.state.why ?? null}
              layout={1}
              portrait={false}
              project={project}
              onResume={() => open?.desk.resume()}
            />
          )}
        </div>
      </main>
      <aside
        aria-label={t("canvas.panel")}
        className={mergeClasses(styles.panel, !panel && styles.hidden)}
      >
        <ClassRail
          projectId={project.project_id}
          classes={classes}
          on={on}
          findRef={find}
          onChoose={(index) => then(() => chooseClass(index))}
          onLeave={focusCanvas}
        />
        <section className={styles.shapes} aria-label={t("canvas.shapes")}>
          <p className={styles.status} data-testid="status">
            {status || describeOutcome()}
          </p>
          <ShapeList
            shapes={shapes}
            suggestions={suggestions}
            lockedIds={locks}
            selection={selection}
            classes={classes}
            empty={t("canvas.noShapes")}
            closed={locked}
            onSelect={select}
            onAccept={(id) => confirm([id])}
            onDelete={(id) => then(() => remove([id]))}
            onRename={() => find.current?.focus()}
          />
        </section>
      </aside>
      <footer className={styles.bottom}>
        <BottomBar
          page={page}
          many
          state={open?.state ?? null}
          locked={locked}
          suggested={suggested}
          onUndo={() => then(undo)}
          onSkip={() => then(() => decide("skipped"))}
          onAsk={() => then(() => decide("needs_review"))}
          onNothing={() => then(() => decide("labeled"))}
          onSubmit={() => then(submit)}
          onDismiss={() => open?.desk.dismiss()}
        >
          {offer && open?.state.connection !== "signedOut" ? (
            <Explain
              key={offer.itemIds.join()}
              offer={offer}
              onReason={(reason) => explain({ reason })}
              onNote={(note) => explain({ note })}
              onType={() => setOffer({ ...offer, typing: true })}
              onClose={closeOffer}
            />
          ) : null}
        </BottomBar>
      </footer>
      <HelpDialog
        open={help}
        place="canvas"
        many
        onClose={() => setHelp(false)}
        focusAfter={canvas}
      />
      <InstructionsDialog
        project={project}
        open={instructions}
        onClose={() => {
          rememberInstructions(project);
          setInstructions(false);
          setTimeout(focusCanvas, 300);
        }}
        focusAfter={canvas}
      />
    </div>
  );

  /** What the whole image is, where no shape is in hand. */
  function describeOutcome(): string {
    if (work?.outcome === "labeled" && !shapes.length) return t("canvas.nothingHere");
    if (work?.outcome === "skipped" || work?.outcome === "needs_review")
      return describeWork(t, { ...work, annotations: [] }, classes);
    return t("canvas.shapes");
  }
}

function ToolButton({
  command,
  on,
  onChoose,
}: {
  command: ToolCommand;
  on: boolean;
  onChoose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const name = t(`commands.${command.id}`);
  const key = useKey(command.id);
  return (
    <Tooltip
      content={key.name ? `${name} (${key.name})` : name}
      relationship="inaccessible"
      positioning="after"
      showDelay={500}
    >
      <ToggleButton
        appearance="subtle"
        className={styles.tool}
        checked={on}
        icon={<Icon name={command.icon} />}
        aria-label={name}
        aria-keyshortcuts={key.aria}
        onClick={onChoose}
      />
    </Tooltip>
  );
}

const ARROWS: Record<string, { x: -1 | 0 | 1; y: -1 | 0 | 1 }> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** When something is decided, for the time that images take. */
function clock(): number {
  return Date.now();
}
