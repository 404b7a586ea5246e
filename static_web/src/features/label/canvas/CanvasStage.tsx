import {
  makeStyles,
  mergeClasses,
  tokens,
  ToggleButton,
  Tooltip,
} from "@fluentui/react-components";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";

import { Annotator, type AnnotatorHandle } from "@/annotate/Annotator";
import type { Notice, Settings } from "@/annotate/editor";
import type { Change } from "@/annotate/edits";
import { keepAhead } from "@/annotate/render/imageLayer";
import { mended } from "@/annotate/sound";
import { withoutTwins } from "@/annotate/twins";
import { DRAWING, type ToolId } from "@/annotate/tools/tools";
import { newId } from "@/api/client";
import type { Annotation, Me, Project } from "@/api/types";
import { classAtKey, offeredClasses } from "@/classes";
import { formatPercent } from "@/format";
import { FrameBar } from "@/frames/FrameBar";
import { useFrames } from "@/frames/useFrames";
import { WindowDrag } from "@/frames/WindowDrag";
import { useCommands, type Handlers } from "@/keys/keyboard";
import { useKey } from "@/keys/keyMap";
import { announce } from "@/ui/announcer";
import { CommandButton } from "@/keys/CommandButton";
import { Icon } from "@/ui/Icon";
import { isAsked } from "@/ui/useFocusBack";

import { Full, OpenElsewhere, Refused, Returned } from "../panels/Banners";
import { BottomBar } from "../panels/BottomBar";
import { ClassRail } from "../panels/ClassRail";
import { describeWork, skipReasons } from "../session/describe";
import { isLocked, MAX_UNSAVED } from "../session/desk";
import {
  LIGHT_MOST,
  PLAIN,
  notOf,
  outlineCommands,
  rememberedTool,
  rememberTool,
  rounded,
  suggestionsOf,
  toolsOf,
  type ToolCommand,
} from "./drawing";
import { Explain, type Offer } from "../panels/Explain";
import { HelpDialog } from "@/keys/HelpDialog";
import { useHint } from "../panels/Hint";
import {
  InstructionsDialog,
  instructionsAreNew,
  rememberInstructions,
} from "../panels/InstructionsDialog";
import { LookMenu } from "./LookMenu";
import {
  decidedCount,
  isComplete,
  shapesOf,
  type Page,
  type SessionEvent,
} from "../session/session";
import { ShapeList } from "./ShapeList";
import { TopBar } from "../panels/TopBar";
import { useDesk, useLeft } from "../useDesk";
import { Waiting } from "../panels/Waiting";

const ZOOM_STEP = 1.5;
/** Tools whose outline is closed by a click on its first point, or by Enter. */
const CLOSING_TOOLS: ReadonlySet<ToolId> = new Set(["polygon", "add", "cut"]);
/** An Enter that was to close a polygon, when the click before it has done so already, submits nothing. */
const ENTER_AFTER_CLICK_MS = 600;
const SCALE_EVERY_MS = 150;
const LIGHT_STEP = 1.15;
/** One image a page: each Enter submits, and the pages after it are there already. */
const PAGE_SIZE = 1;

const AT_FIRST: Settings = { ...PLAIN, fill: 0.15, guides: true, hidden: false };
/** What one key makes of the areas of shapes, in turn. */
const FILLS = [0.15, 0.4, 0];

const useStyles = makeStyles({
  frame: {
    display: "grid",
    height: "100%",
    gridTemplateColumns: "44px minmax(0, 1fr) 184px",
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
      gridTemplateColumns: "minmax(0, 2fr) minmax(0, 3fr)",
      borderLeft: "none",
    },
  },
  hidden: { visibility: "hidden" },
  shapes: {
    display: "grid",
    gridTemplateRows: "auto auto minmax(0, 1fr)",
    minHeight: 0,
    minWidth: 0,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  head: {
    display: "flex",
    alignItems: "center",
    minHeight: "36px",
    paddingInline: "12px 2px",
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
  },
  // Two lines, so that the list below does not jump.
  status: {
    minHeight: "36px",
    margin: 0,
    paddingInline: "12px",
    fontSize: "12px",
    lineHeight: "18px",
    color: tokens.colorNeutralForeground2,
  },
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
export default function CanvasStage({ project, me }: { project: Project; me: Me }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const { classes, task_type: type } = project;
  const [tool, setTool] = useState(() => rememberedTool(type));
  const choices = useMemo(() => offeredClasses(classes), [classes]);
  const [activeClass, setActiveClass] = useState(choices[0]?.class_id ?? null);
  const [settings, setSettings] = useState(AT_FIRST);
  const [chosen, setChosen] = useState<{ itemId: string; ids: readonly string[] } | null>(null);
  const [lockedIn, setLockedIn] = useState<OfImage>(NONE);
  const [seen, setSeen] = useState<OfImage>(NONE);
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
  /** When a polygon was closed, but for by Enter: often by a click on its first point. */
  const closedAt = useRef(0);
  /** While this is selected, and was not chosen after it was drawn or a tool was taken, a class is the next shape's. */
  const meantForNext = useRef("");
  const open = useDesk(project, me.user, PAGE_SIZE);
  const left = useLeft(project, open?.state);
  const session = open?.state.session;
  const page = session?.pages[0];
  const item = page?.items[session?.focus ?? 0];
  const itemId = item?.item_id;
  const work = itemId === undefined ? undefined : page?.work[itemId];
  const frames = useFrames(project.project_id, item, page?.task.task_id ?? null);
  const frame = frames?.frame ?? 0;
  const [windowingOf, setWindowingOf] = useState("");
  const windowing = frames?.window != null && windowingOf === itemId;
  const [hintLine, hint] = useHint();
  const locked = isLocked(open?.state);
  const tools = useMemo(() => toolsOf(type), [type]);
  const on = useMemo(() => new Set(activeClass === null ? [] : [activeClass]), [activeClass]);

  const everywhere = useMemo(() => (work ? shapesOf(work) : []), [work]);
  /** Of the frame that is shown. */
  const shapes = useMemo(
    () => everywhere.filter((one) => one.frame === frame),
    [everywhere, frame],
  );
  const suggestions = useMemo(
    () => (item ? suggestionsOf(item, work, everywhere) : new Map<string, never>()),
    [item, work, everywhere],
  );
  const selection = useMemo(() => {
    if (chosen?.itemId !== itemId) return [];
    const there = new Set(shapes.map((one) => one.annotation_id));
    return chosen?.ids.filter((id) => there.has(id)) ?? [];
  }, [chosen, itemId, shapes]);
  const allOpen = useMemo(
    () => [...suggestions].filter(([, one]) => !one.touched).map(([id]) => id),
    [suggestions],
  );
  const openSuggestions = useMemo(() => {
    const here = new Set(shapes.map((one) => one.annotation_id));
    return allOpen.filter((id) => here.has(id));
  }, [allOpen, shapes]);
  const seenIds = seen.itemId === itemId ? seen.ids : NONE.ids;
  const locks = lockedIn.itemId === itemId ? lockedIn.ids : NONE.ids;
  const unseenIds = useMemo(
    () => new Set(allOpen.filter((id) => !seenIds.has(id))),
    [allOpen, seenIds],
  );
  const [unseen] = unseenIds;

  const focusCanvas = useCallback(() => {
    if (!isAsked()) editor.current?.focus();
  }, []);
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
      hint(t("label.locked"));
      return false;
    }
    nudged.current = "";
    hint("");
    open.desk.act(event);
    if (event.type !== "explain") setOffer(null);
    return true;
  };
  const select = (ids: readonly string[]): void => {
    if (itemId === undefined) return;
    if (ids.join() !== meantForNext.current) meantForNext.current = "";
    setChosen({ itemId, ids });
    const said = describe(ids, shapes);
    if (said) announce(said);
  };
  const change = (next: Annotation[], { what, ids }: Change): void => {
    if (itemId === undefined) return;
    const mark = what === "nudge" ? ids.join() : "";
    const joins = mark !== "" && mark === nudged.current;
    const here = next.map((one) => (one.frame === frame ? one : { ...one, frame }));
    const others = everywhere.filter((one) => one.frame !== frame);
    const annotations = [...others, ...here];
    if (!act({ type: "annotate", itemId, annotations, joins, at: clock() })) return;
    nudged.current = mark;
    if (what === "draw") meantForNext.current = ids.join();
    const closes = what === "draw" || what === "add" || what === "cut";
    closedAt.current = closes && CLOSING_TOOLS.has(tool) ? clock() : 0;
    const about = describe(ids, next);
    announce([t(`canvas.did.${what}`), about].filter(Boolean).join(": "));
  };
  const notice = (one: Notice): void => {
    if (one.type === "refused") hint(t(`canvas.refused.${one.why}`));
    else if (one.type === "points") announce(t("canvas.points", { count: one.count }));
    else hint(t("canvas.tangled"));
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
    meantForNext.current = DRAWING.has(wanted) ? selection.join() : "";
    rememberTool(type, wanted);
    setTool(wanted);
    const id = tools.find((one) => one.tool === wanted)?.id;
    if (id) announce(t(`commands.${id}`));
    focusCanvas();
  };
  /** On purpose, also where only what was just drawn is there. */
  const cycle = (by: 1 | -1): void => {
    meantForNext.current = "";
    editor.current?.cycle(by);
  };
  const chooseClass = (index: number): void => {
    const wanted = choices[index];
    if (!wanted) return;
    setActiveClass(wanted.class_id);
    const isForNext =
      !selection.length ||
      selection.join() === meantForNext.current ||
      editor.current?.isDrafting();
    if (!isForNext) {
      if (locked) hint(t("label.locked"));
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
    if (!ids.length) hint(t("canvas.noSuggestions"));
    else if (act({ type: "confirm", itemId, annotationIds: ids, at: clock() }))
      announce(t("canvas.acceptedAll", { count: ids.length }));
  };
  /** Whether nothing is half drawn that would get lost. */
  const finished = (): boolean => {
    if (!editor.current?.isDrafting()) return true;
    hint(t("canvas.finishFirst"));
    return false;
  };
  const goToFrame = (next: number): void => {
    if (!frames || next === frame || next < 0 || next >= frames.count || !finished()) return;
    meantForNext.current = "";
    frames.go(next);
    announce(t("frames.of", { frame: next + 1, count: frames.count }));
  };
  /** A key that is held goes no faster than the frames come, so that all of them are seen. */
  const scroll = (by: 1 | -1, held: boolean): void => {
    if (!held || frames?.view) goToFrame(frame + by);
  };
  /** What is selected on this frame, or all of it, once more on the next one. */
  const copyToNextFrame = (): void => {
    if (!frames || itemId === undefined || !finished()) return;
    if (frame + 1 >= frames.count) {
      hint(t("frames.last"));
      return;
    }
    const some = selection.length > 0 ? new Set(selection) : null;
    const copies = shapes
      .filter((one) => !some || some.has(one.annotation_id))
      .map((one) => ({ ...one, annotation_id: newId("a"), frame: frame + 1, origin: null }));
    if (!copies.length) hint(t("canvas.noShapes"));
    else {
      const annotations = [...everywhere, ...copies];
      if (!act({ type: "annotate", itemId, annotations, at: clock() })) return;
      frames.go(frame + 1);
      announce(t("frames.copied", { count: copies.length, frame: frame + 2 }));
    }
  };
  const setWindowing = (on: boolean): void => setWindowingOf(on ? (itemId ?? "") : "");
  const accept = (): void => {
    if (itemId === undefined) return;
    const itemIds = new Set([itemId]);
    open?.desk.act({ type: "accept", itemIds, annotationId: newId("a"), at: clock() });
  };
  /** Goes to a suggestion that nobody has looked at. False: there is none. */
  const showUnseen = (): boolean => {
    const submits = !work?.outcome || work.outcome === "labeled";
    if (unseen === undefined || !submits) return false;
    goToFrame(everywhere.find((one) => one.annotation_id === unseen)?.frame ?? frame);
    select([unseen]);
    requestAnimationFrame(() => {
      if (!editor.current?.inView().includes(unseen)) editor.current?.zoomToSelection();
    });
    hint(t("canvas.notSeen"));
    return true;
  };
  /**
   * What is submitted covers what is shown, also where an outline was left crossing itself, and a shape that
   * lies exactly on another, which nobody sees, is said once.
   */
  const mendShapes = (on: Page): void => {
    let twins = 0;
    for (const item of on.items) {
      const all = on.work[item.item_id]?.annotations ?? [];
      const once = withoutTwins(all);
      const kept = mended(once ?? all, item) ?? once;
      twins += once ? all.length - once.length : 0;
      if (kept) act({ type: "annotate", itemId: item.item_id, annotations: kept, at: clock() });
    }
    if (twins) hint(t("canvas.twins", { count: twins }));
  };
  const submit = (): void => {
    if (!open || !page || !finished()) return;
    if (locked) {
      hint(t("label.locked"));
      return;
    }
    if (showUnseen()) return;
    accept();
    const now = open.desk.state().session.pages[0];
    if (!now || !decidedCount(now)) {
      hint(t("label.nothingToSubmit"));
      return;
    }
    mendShapes(now);
    open.desk.submit();
    setOffer(null);
    nudged.current = "";
    const next = open.desk.state().session.pages[0];
    announce(next ? t("label.saidPage", { images: next.items.length }) : t("label.saidSubmitted"));
  };
  const submitOrGoOn = (): void => {
    if (editor.current?.enter()) {
      closedAt.current = 0;
      return;
    }
    if (clock() - closedAt.current < ENTER_AFTER_CLICK_MS) return;
    if (!locked) {
      if (showUnseen()) return;
      accept();
    }
    const now = open?.desk.state().session.pages[0];
    if (now && isComplete(now)) submit();
    else if (now) {
      act({ type: "nextOpen" });
      hint(t("label.stillOpen", { count: now.items.length - decidedCount(now) }));
    }
  };
  /** A key that is `held` down stops where the page began. */
  const undo = (held = false): void => {
    if (editor.current?.takeBack()) return;
    if (session?.past.length || open?.state.readOnly) {
      if (act({ type: "undo" })) sayWork();
    } else if (!held) open?.desk.back();
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
    const others = [...locks].filter((id) => !about.includes(id));
    if (itemId !== undefined)
      setLockedIn({ itemId, ids: new Set(others.concat(every ? [] : about)) });
    announce(every ? t("canvas.unlocked") : t("canvas.nowLocked", { count: about.length }));
  };
  const refill = (): void => {
    const fill = FILLS[(FILLS.indexOf(settings.fill) + 1) % FILLS.length] ?? AT_FIRST.fill;
    setSettings({ ...settings, fill });
    announce(t("canvas.filled", { percent: formatPercent(fill, i18n.language) }));
  };
  const lighten = (what: "brightness" | "contrast", by: number): void =>
    setSettings((before) => {
      const value = Math.min(LIGHT_MOST, Math.max(1 / LIGHT_MOST, before[what] * by));
      return { ...before, [what]: rounded(value) };
    });
  const zoomBy = (factor: number | null): void => {
    if (factor === null) editor.current?.fit();
    else editor.current?.zoomBy(factor);
  };
  /** What changes shapes only where that is allowed. */
  const edit = (run: (on: AnnotatorHandle) => void): void => {
    if (locked) hint(t("label.locked"));
    else if (editor.current) run(editor.current);
  };
  const arrow = (event: KeyboardEvent, how: { far?: boolean; fine?: boolean } = {}) => {
    const direction = ARROWS[event.code];
    if (direction && !(locked && selection.length)) editor.current?.arrow(direction, how);
  };
  const rejectAll = (): void => {
    const free = openSuggestions.filter((id) => !locks.has(id));
    if (free.length) remove(free);
    else hint(t("canvas.noSuggestions"));
  };
  const deleteAll = (): void => {
    if (shapes.length) edit((on) => on.deleteAll());
    else hint(t("canvas.noShapes"));
  };
  const handlers: Handlers = {
    class: (event) => chooseClass(classAtKey(event.code.slice(-1))),
    findClass: () => {
      flushSync(() => setPanel(true)); // what is hidden takes no focus, and the next key is for it
      find.current?.focus();
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
    rejectAll,
    nudge: (event) => arrow(event),
    nudgeFar: (event) => arrow(event, { far: true }),
    nudgeFine: (event) => arrow(event, { fine: true }),
    copy: () => editor.current?.copy(),
    paste: () => edit((on) => on.paste()),
    duplicate: () => edit((on) => on.duplicate()),
    selectAllShapes: () => editor.current?.selectAll(),
    ...(type === "polygons" &&
      Object.fromEntries(outlineCommands.map((id) => [id, () => edit((on) => on[id]())]))),
    lastPoint: () => editor.current?.takeBack(),
    deleteShape: () => edit((on) => on.deleteSelected()),
    deleteAll,
    ...(onCanvas &&
      shapes.length > 0 && {
        nextShape: () => cycle(1),
        previousShape: () => cycle(-1),
      }),
    ...(frames &&
      frames.count > 1 && {
        previousFrame: (event) => scroll(-1, event.repeat),
        nextFrame: (event) => scroll(1, event.repeat),
        cine: () => frames.play(!frames.playing),
        copyToNextFrame,
      }),
    ...(frames?.window && {
      windowing: () => setWindowing(!windowing),
      invert: () => frames.setInverted(!frames.inverted),
      resetWindow: () => {
        frames.setWindow(null);
        frames.setInverted(false);
      },
    }),
    leaveCanvas: () => {
      if (windowing) setWindowing(false);
      else if (offer) closeOffer();
      else if (!editor.current?.escape()) canvas()?.blur();
    },
    lock: toggleLock,
    hide: (event) => editor.current?.hold("hide", event.code),
    pan: (event) => editor.current?.hold("pan", event.code),
    fill: refill,
    zoomToShape: () => editor.current?.zoomToSelection(),
    rotateLeft: () => editor.current?.turn(-1),
    rotateRight: () => editor.current?.turn(1),
    darker: () => lighten("brightness", 1 / LIGHT_STEP),
    brighter: () => lighten("brightness", LIGHT_STEP),
    lessContrast: () => lighten("contrast", 1 / LIGHT_STEP),
    moreContrast: () => lighten("contrast", LIGHT_STEP),
    plainImage: () => setSettings({ ...settings, ...PLAIN }),
    previousImage: () => go(-1),
    nextImage: () => go(1),
    zoomIn: () => zoomBy(ZOOM_STEP),
    zoomOut: () => zoomBy(1 / ZOOM_STEP),
    zoomFit: () => zoomBy(null),
    submit: submitOrGoOn,
    submitNow: submit,
    undo: (event) => undo(event.repeat),
    redo,
    instructions: () => setInstructions(true),
    rail: () => setPanel((before) => !before),
    help: () => setHelp(true),
  };
  useCommands("canvas", handlers);

  // The page around the editor is not drawn anew for each step of the wheel.
  const latestScale = useRef(1);
  const following = useRef<ReturnType<typeof setTimeout>>(undefined);
  const followScale = (): void => {
    following.current ??= setTimeout(() => {
      following.current = undefined;
      setScale(latestScale.current);
    }, SCALE_EVERY_MS);
  };
  // A suggestion counts as looked at once the view has rested on it for a moment, nothing lying over it.
  const asking = help || instructions;
  const resting = useRef<ReturnType<typeof setTimeout>>(undefined);
  const rest = useCallback(() => {
    clearTimeout(resting.current);
    if (itemId === undefined || imageState !== "ready" || asking) return;
    resting.current = setTimeout(() => {
      if (document.visibilityState !== "visible") return;
      const now = editor.current?.inView() ?? [];
      setSeen((before) => {
        const ids = new Set([...(before.itemId === itemId ? before.ids : []), ...now]);
        return before.itemId === itemId && ids.size === before.ids.size ? before : { itemId, ids };
      });
    }, me.seen_ms);
  }, [itemId, imageState, asking, me.seen_ms]);
  useEffect(() => {
    document.addEventListener("visibilitychange", rest);
    return () => {
      clearTimeout(resting.current);
      document.removeEventListener("visibilitychange", rest);
    };
  }, [rest]);
  useEffect(rest, [rest, openSuggestions]);
  useEffect(() => {
    const busy =
      document.querySelector("[role=dialog], [role=menu]") ??
      document.activeElement?.closest("input, textarea");
    if (itemId !== undefined && !busy) focusCanvas();
  }, [itemId, focusCanvas]);
  // The next picture is there before it is asked for, but after the one that is looked at.
  const ahead = session?.pages[1]?.items[0]?.images.preview;
  useEffect(() => {
    if (imageState !== "loading") keepAhead(ahead === undefined ? [] : [ahead]);
  }, [ahead, imageState]);

  const suggested = !work?.outcome && openSuggestions.length > 0;
  const status = describe(selection, shapes);
  const outcome = describeOutcome();
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
          left={left}
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
            {outlineCommands.map((id) => (
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
          id="zoomToShape"
          icon="zoomToShape"
          iconOnly
          disabled={!some}
          onClick={() => then(() => editor.current?.zoomToSelection())}
        />
        <LookMenu settings={settings} onChange={setSettings} onClose={focusCanvas} />
      </div>
      <main className={styles.stage} aria-busy={open?.state.goingBack ?? false}>
        {open?.state.readOnly && <OpenElsewhere onTakeOver={open.desk.takeOver} />}
        {open?.state.full && <Full pages={MAX_UNSAVED} />}
        {open && page && (
          <Refused page={page} onDiscard={() => open.desk.discard(page.task.task_id)} />
        )}
        {item?.returned && <Returned reason={item.returned.reason} />}
        <div
          ref={stage}
          role="presentation"
          data-item={itemId}
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
                item={frames?.picture ?? item}
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
                onView={(view) => {
                  latestScale.current = view.scale;
                  followScale();
                  rest();
                }}
                onPoint={frames?.point}
                onImage={(state) => {
                  setImageState(state);
                  if (state === "failed")
                    if (frames) frames.again();
                    else open.desk.signAgain([item.item_id]);
                }}
              />
              {windowing && (
                <WindowDrag
                  frames={frames}
                  onPoint={(event) =>
                    frames.point(event && (editor.current?.pixelAt(event) ?? null))
                  }
                  onStep={(by) => goToFrame(frame + by)}
                />
              )}
              {(imageState === "failed" || frames?.view?.problem) && (
                <div role="alert" className={styles.unreadable}>
                  {frames?.view?.problem
                    ? t("frames.problem", { why: frames.view.problem })
                    : t("canvas.unreadable")}
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
        {frames && item && (
          <FrameBar
            frames={frames}
            windowing={windowing}
            onWindowing={(on) => then(() => setWindowing(on))}
            onDone={focusCanvas}
            isDicom={item.media === "dicom"}
          />
        )}
      </main>
      <aside
        aria-label={t("canvas.panel")}
        className={mergeClasses(styles.panel, !panel && styles.hidden)}
      >
        <ClassRail
          projectId={project.project_id}
          classes={choices}
          on={on}
          findRef={find}
          onChoose={(index) => then(() => chooseClass(index))}
          onLeave={focusCanvas}
        />
        <section className={styles.shapes} aria-label={t("canvas.shapes")}>
          <div className={styles.head}>
            <h2 className={styles.heading}>
              {shapes.length ? t("canvas.shapesOf", { count: shapes.length }) : t("canvas.shapes")}
            </h2>
            {openSuggestions.length > 0 && (
              <>
                <CommandButton
                  id="acceptAll"
                  icon="check"
                  iconOnly
                  disabled={locked}
                  onClick={() => then(() => confirm(openSuggestions))}
                />
                <CommandButton
                  id="rejectAll"
                  icon="clear"
                  iconOnly
                  disabled={locked}
                  onClick={() => then(rejectAll)}
                />
              </>
            )}
            {shapes.length > 0 && (
              <CommandButton
                id="deleteAll"
                icon="trash"
                iconOnly
                disabled={locked}
                onClick={() => then(deleteAll)}
              />
            )}
          </div>
          <p className={styles.status} data-testid="status">
            {outcome && <span data-testid="outcome">{outcome}</span>}
            {outcome && status && ", "}
            {status ||
              (outcome ? "" : t(shapes.length ? "canvas.noneSelected" : "canvas.noShapes"))}
          </p>
          <ShapeList
            size={item}
            shapes={shapes}
            suggestions={suggestions}
            lockedIds={locks}
            unseenIds={unseenIds}
            selection={selection}
            classes={classes}
            closed={locked}
            onSelect={(ids) => {
              meantForNext.current = "";
              select(ids);
            }}
            onAccept={(id) => then(() => confirm([id]))}
            onDelete={(id) => then(() => remove([id]))}
            onRename={() => {
              meantForNext.current = "";
              find.current?.focus();
            }}
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
          onUndo={() => then(() => undo())}
          onRedo={() => then(redo)}
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
          ) : (
            hintLine
          )}
        </BottomBar>
      </footer>
      <HelpDialog
        open={help}
        place="canvas"
        without={frames ? notOf(type) : new Set([...notOf(type), ...frameCommands])}
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

  /** What the whole image is, where its shapes do not tell. */
  function describeOutcome(): string {
    if (work?.outcome === "labeled" && !shapes.length) return t("canvas.nothingHere");
    if (work?.outcome === "skipped" || work?.outcome === "needs_review")
      return describeWork(t, { ...work, annotations: [] }, classes);
    return "";
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

/** Commands that mean something for TIFF and DICOM alone. */
const frameCommands = [
  "previousFrame",
  "nextFrame",
  "cine",
  "copyToNextFrame",
  "windowing",
  "invert",
  "resetWindow",
] as const;

/** Some annotations of an image; their ids mean nothing on another, where they may come again. */
interface OfImage {
  itemId: string;
  ids: ReadonlySet<string>;
}

const NONE: OfImage = { itemId: "", ids: new Set() };

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
