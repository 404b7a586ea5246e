import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";

import { newId } from "@/api/client";
import type { Me, Project, TaskItem } from "@/api/types";
import { classAtKey, offeredClasses } from "@/classes";
import type { CommandId } from "@/keys/commands";
import { FrameSlider } from "@/frames/FrameSlider";
import { useCommands } from "@/keys/keyboard";
import { announce } from "@/ui/announcer";
import { isAsked } from "@/ui/useFocusBack";

import { Full, OpenElsewhere, Refused } from "../panels/Banners";
import { BottomBar } from "../panels/BottomBar";
import { ClassRail } from "../panels/ClassRail";
import { describeWork, skipReasons } from "../session/describe";
import { Explain, type Offer } from "../panels/Explain";
import { Grid } from "./Grid";
import { HelpDialog } from "@/keys/HelpDialog";
import { useHint } from "../panels/Hint";
import {
  InstructionsDialog,
  instructionsAreNew,
  rememberInstructions,
} from "../panels/InstructionsDialog";
import {
  columnsOf,
  fitting,
  rememberedLayout,
  rememberedQuick,
  rememberLayout,
  rememberQuick,
  type Layout,
} from "./layouts";
import {
  decidedCount,
  isComplete,
  targets,
  type Session,
  type SessionEvent,
} from "../session/session";
import type { TileActions } from "./Tile";
import { TopBar } from "../panels/TopBar";
import { UndoLine } from "./UndoLine";
import { isLocked, MAX_UNSAVED } from "../session/desk";
import { useDesk, useLeft } from "../useDesk";
import { usePortrait } from "./usePortrait";
import { Waiting } from "../panels/Waiting";
import type { ZoomControl } from "./Zoomable";

/** How long one that was saved by a single key waits, so that it can be taken back without a trace. */
const HOLD_MS = 3_000;
const SELECTION_RESTS_MS = 300;
const ZOOM_STEP = 1.5;
const DIALOG_CLOSES_MS = 300;
const PAN_PX = 80;

const useStyles = makeStyles({
  frame: {
    display: "grid",
    height: "100%",
    gridTemplateColumns: "184px minmax(0, 1fr)",
    gridTemplateRows: "44px minmax(0, 1fr) 52px",
    gridTemplateAreas: '"top top" "rail stage" "bottom bottom"',
    "@media (max-width: 720px)": {
      gridTemplateColumns: "minmax(0, 1fr)",
      gridTemplateRows: "44px minmax(0, 1fr) minmax(112px, 24dvh) 60px",
      gridTemplateAreas: '"top" "stage" "rail" "bottom"',
    },
  },
  withoutRail: {
    gridTemplateColumns: "0 minmax(0, 1fr)",
    "@media (max-width: 720px)": {
      gridTemplateColumns: "minmax(0, 1fr)",
      gridTemplateRows: "44px minmax(0, 1fr) 0 60px",
    },
  },
  top: { gridArea: "top", minWidth: 0, backgroundColor: tokens.colorNeutralBackground1 },
  rail: { gridArea: "rail", minHeight: 0, display: "grid" },
  hidden: { visibility: "hidden" },
  stage: {
    gridArea: "stage",
    minWidth: 0,
    minHeight: 0,
    position: "relative",
    display: "flex",
    flexDirection: "column",
  },
  images: { flex: "1 1 0", minHeight: 0 },
  frames: {
    flex: "none",
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "2px 8px",
    minHeight: "28px",
    paddingInline: "8px",
    fontSize: "12px",
    fontVariantNumeric: "tabular-nums",
    backgroundColor: tokens.colorNeutralBackground1,
  },
  notice: { marginLeft: "auto", color: tokens.colorNeutralForeground3 },
  bottom: { gridArea: "bottom", minWidth: 0, backgroundColor: tokens.colorNeutralBackground1 },
});

/** Labeling by classes: a page of images, the classes, and what can be done. */
export function Stage({ project, me }: { project: Project; me: Me }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [layout, setLayout] = useState<Layout>(rememberedLayout);
  const [large, setLarge] = useState(false);
  const [rail, setRail] = useState(true);
  const [help, setHelp] = useState(false);
  const [instructions, setInstructions] = useState(() => instructionsAreNew(project));
  const [quick, setQuick] = useState(rememberedQuick);
  const [offer, setOffer] = useState<Offer | null>(null);
  const [said, setSaid] = useState<{ words: string; times: number } | null>(null);
  const [scale, setScale] = useState(1);
  const [frames, setFrames] = useState<ReadonlyMap<string, number>>(new Map());
  const seen = useRef(new Set<string>());
  const zoom = useRef<ZoomControl>(null);
  const portrait = usePortrait();
  const find = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const open = useDesk(project, me.user, layout);
  const left = useLeft(project, open?.state);
  const session = open?.state.session;
  const page = session?.pages[0];
  const focused = page?.items[session?.focus ?? 0];
  const isDicom = page?.items.some((one) => one.media === "dicom") ?? false;
  const several = page?.items.some((one) => one.frames > 1) ?? false;
  const many = project.task_type === "multilabel";
  const { classes } = project;
  const shared = useMemo(() => sharedClasses(session), [session]);
  // The same set as long as it says the same, so that the classes are not drawn again for nothing.
  const on = useMemo(() => new Set(shared ? shared.split(" ") : []), [shared]);
  const choices = useMemo(() => offeredClasses(classes, on), [classes, on]);
  const shown = fitting(large ? 1 : layout, page?.items.length ?? layout);

  const focusedTile = useCallback(
    () => grid.current?.querySelector<HTMLElement>("[role=option][tabindex='0']"),
    [],
  );
  const focusGrid = useCallback(() => {
    if (!isAsked()) focusedTile()?.focus();
  }, [focusedTile]);

  const [hintLine, hint] = useHint();
  const locked = isLocked(open?.state);
  const asking = help || instructions;
  const oneKey = quick && layout === 1 && !many;

  /** Does it, and says what has become of the images. */
  const act = (event: SessionEvent): void => {
    if (!open || !session) return;
    if (locked && decides(event)) {
      hint(t("label.locked"));
      return;
    }
    open.desk.act(event);
    hint("");
    const now = open.desk.state().session.pages[0];
    if (!now || !page || now.work === page.work || page.task.task_id !== now.task.task_id) return;
    if (event.type !== "explain") {
      setOffer(null);
      setSaid(null);
    }
    const changed = now.items.filter(({ item_id: id }) => now.work[id] !== page.work[id]);
    const [first] = changed;
    if (!first) return;
    const values = {
      work: describeWork(t, now.work[first.item_id], classes),
      done: decidedCount(now),
      all: now.items.length,
    };
    if (changed.length > 1) announce(t("label.saidMany", { ...values, images: changed.length }));
    else announce(t("label.said", { ...values, position: now.items.indexOf(first) + 1 }));
  };
  const classify = (index: number): void => {
    const chosen = choices[index];
    if (!chosen) return;
    act({
      type: "classify",
      classId: chosen.class_id,
      annotationId: newId("a"),
      at: clock(),
    });
    if (oneKey && !locked) submitHeld(chosen.name);
  };
  const decide = (outcome: "skipped" | "needs_review" | "labeled"): void => {
    if (!open || !session || !page) return;
    const chosen = targets(session);
    act({ type: "decide", outcome, at: clock() });
    const work = open.desk.state().session.pages[0]?.work;
    const itemIds = chosen
      .map((item) => item.item_id)
      .filter((id) => work?.[id]?.outcome === outcome);
    if (locked || outcome === "labeled" || !itemIds.length) return;
    setOffer({ about: outcome, taskId: page.task.task_id, itemIds, typing: false });
    if (oneKey && outcome === "skipped") submitHeld(t("label.skipped"));
  };
  const skipPage = (): void => {
    const itemIds = page?.items.filter((one) => !page.work[one.item_id]?.outcome);
    if (!page || !itemIds?.length || locked) return;
    act({ type: "skipPage", at: clock() });
    setOffer({
      about: "skipped",
      taskId: page.task.task_id,
      itemIds: itemIds.map((one) => one.item_id),
      typing: false,
    });
  };
  const explain = (words: { reason: string } | { note: string }): void => {
    if (!open || !offer) return;
    // With one key for all, it is on its way already: it comes back for the reason, and leaves again.
    const left = oneKey && offer.about === "skipped";
    if (left) open.desk.back();
    const shown = open.desk.state().session.pages[0]?.task.task_id === offer.taskId;
    if (shown) act({ type: "explain", itemIds: offer.itemIds, ...words, at: clock() });
    if (shown && left) submitHeld(t("label.skipped"));
    closeOffer();
  };
  const closeOffer = (): void => {
    const asked = offer?.about === "needs_review";
    setOffer(null);
    if (oneKey && asked) submitHeld(t("label.asked"));
    requestAnimationFrame(focusGrid);
  };
  /** Takes the suggestions of the images that were looked at. */
  const accept = (): void => {
    if (locked) return;
    const itemIds = seen.current;
    open?.desk.act({ type: "accept", itemIds, annotationId: newId("a"), at: clock() });
  };
  const submit = (): void => {
    if (!open || !page) return;
    if (locked) {
      hint(t("label.locked"));
      return;
    }
    accept();
    const now = open.desk.state().session.pages[0];
    if (!now || !decidedCount(now)) {
      hint(t("label.nothingToSubmit"));
      return;
    }
    open.desk.submit();
    setOffer(null);
    setSaid(null);
    const next = open.desk.state().session.pages[0];
    announce(next ? t("label.saidPage", { images: next.items.length }) : t("label.saidSubmitted"));
  };
  /** Submits what one key has decided; for a moment it can be taken back. */
  const submitHeld = (words: string): void => {
    const now = open?.desk.state().session.pages[0];
    if (!open || !now || !decidedCount(now)) return;
    open.desk.submit({ holdMs: HOLD_MS });
    setSaid((before) => ({ words, times: (before?.times ?? 0) + 1 }));
    announce(t("label.saidQuick", { work: words }));
  };
  const submitOrGoOn = (): void => {
    accept();
    const now = open?.desk.state().session.pages[0];
    if (now && isComplete(now)) submit();
    else {
      act({ type: "nextOpen" });
      if (now) announce(t("label.stillOpen", { count: now.items.length - decidedCount(now) }));
    }
  };
  const move = (code: string, extend: boolean): void => {
    const [dx, dy] = ARROWS[code] ?? [0, 0];
    if (extend && shown === 1) zoom.current?.pan(-dx * PAN_PX, -dy * PAN_PX);
    else act({ type: "move", by: dx + dy * columnsOf(shown, portrait), extend });
    requestAnimationFrame(focusGrid);
  };
  /** A key that is `held` down stops where the page began. */
  const undo = (held = false): void => {
    if (session?.past.length || open?.state.readOnly) act({ type: "undo" });
    else if (!held) open?.desk.back();
    setSaid(null);
    setOffer(null);
  };
  const toggleQuick = () => {
    if (many || layout !== 1) return;
    rememberQuick(!quick);
    setQuick(!quick);
    announce(quick ? t("label.quickOff") : t("label.quickOn"));
  };
  const enlarge = () => {
    if (layout === 1) zoom.current?.toggle();
    else setLarge(!large);
  };
  const goToFrame = (itemId: string, wanted: number): void => {
    const count = page?.items.find((one) => one.item_id === itemId)?.frames ?? 1;
    const frame = Math.min(count - 1, Math.max(0, wanted));
    setFrames((before) => new Map(before).set(itemId, frame));
    announce(t("frames.of", { frame: frame + 1, count }));
  };
  const step = (itemId: string, by: 1 | -1): void =>
    goToFrame(itemId, (frames.get(itemId) ?? 0) + by);
  const zoomBy = (factor: number | null) => {
    if (factor === null) zoom.current?.fit();
    else if (shown === 1) zoom.current?.by(factor);
    else if (factor > 1) setLarge(true);
  };
  const closeInstructions = () => {
    rememberInstructions(project);
    setInstructions(false);
  };

  useCommands("grid", {
    class: (event) => classify(classAtKey(event.code.slice(-1))),
    findClass: () => {
      flushSync(() => setRail(true)); // what is hidden takes no focus, and the next key is for it
      find.current?.focus();
    },
    ...(many && { nothing: () => decide("labeled") }),
    clear: () => act({ type: "clear", at: clock() }),
    skip: () => decide("skipped"),
    ask: () => decide("needs_review"),
    move: (event) => move(event.code, false),
    extend: (event) => move(event.code, true),
    selectAll: () => act({ type: "selectAll" }),
    clearSelection: () => {
      if (offer) closeOffer();
      else if (large) setLarge(false);
      else if (session?.selection.size) {
        act({ type: "clearSelection" });
        announce(t("label.selectedNone"));
      } else if (layout === 1) zoom.current?.fit();
    },
    large: enlarge,
    skipPage,
    reason: (event) => {
      if (offer?.about !== "skipped") return;
      const reason = skipReasons[Number(event.code.slice(-1)) - 1];
      if (reason) explain({ reason });
      else setOffer({ ...offer, typing: true });
    },
    zoomIn: () => zoomBy(ZOOM_STEP),
    zoomOut: () => zoomBy(1 / ZOOM_STEP),
    zoomFit: () => zoomBy(null),
    quick: toggleQuick,
    ...(focused &&
      focused.frames > 1 && {
        previousFrame: () => step(focused.item_id, -1),
        nextFrame: () => step(focused.item_id, 1),
      }),
    submit: submitOrGoOn,
    submitNow: submit,
    undo: (event) => undo(event.repeat),
    redo: () => act({ type: "redo" }),
    instructions: () => setInstructions(true),
    rail: () => setRail((before) => !before),
    help: () => setHelp(true),
  });

  // The keyboard goes to the images: to the next open one after each decision, to the first of a new page,
  // also from a button that was clicked, so that Enter submits and does not press it again.
  const focusKey = `${page?.task.task_id ?? ""} ${session?.focus ?? 0}`;
  useEffect(() => {
    const busy =
      document.querySelector("[role=dialog], [role=menu]") ??
      document.activeElement?.closest("input, textarea");
    if (!busy) focusGrid();
  }, [focusKey, focusGrid, layout, large]);
  // A dialog that opened by itself has nowhere to give the keyboard back to.
  useEffect(() => {
    if (asking) return;
    const timer = setTimeout(() => {
      if (document.activeElement === document.body) focusGrid();
    }, DIALOG_CLOSES_MS);
    return () => clearTimeout(timer);
  }, [asking, focusGrid]);

  // Said once a drag or a run of arrows rests.
  const selected = session?.selection.size ?? 0;
  useEffect(() => {
    if (!selected) return;
    const said = () => announce(t("label.selected", { count: selected }));
    const timer = setTimeout(said, SELECTION_RESTS_MS);
    return () => clearTimeout(timer);
  }, [selected, t]);

  const latest = useRef({ act, classify, enlarge, open, selected, step });
  useEffect(() => {
    latest.current = { act, classify, enlarge, open, selected, step };
  });
  const tiles = useMemo<TileActions>(
    () => ({
      onChoose: (index, event) => {
        const touch = (event.nativeEvent as PointerEvent).pointerType === "touch";
        const adds = event.ctrlKey || event.metaKey || (touch && latest.current.selected > 0);
        const how = event.shiftKey ? "extend" : adds ? "toggle" : undefined;
        latest.current.act({ type: "focus", index, ...(how && { how }) });
      },
      onToggle: (index) => latest.current.act({ type: "focus", index, how: "toggle" }),
      onUntag: (itemId, annotationId) =>
        latest.current.act({ type: "untag", itemId, annotationId, at: clock() }),
      onLarge: () => latest.current.enlarge(),
      onSeen: (itemId) => seen.current.add(itemId),
      seenMs: asking ? null : me.seen_ms,
      onUnreadable: (itemId) => latest.current.open?.desk.signAgain([itemId]),
      onStep: (itemId, by) => latest.current.step(itemId, by),
    }),
    [me.seen_ms, asking],
  );

  const suggested =
    page?.items.some((item) => {
      const work = page.work[item.item_id];
      return !work?.outcome && Boolean(work?.suggestions.length);
    }) ?? false;
  const chooseClass = useCallback(
    (index: number) => {
      latest.current.classify(index);
      focusGrid();
    },
    [focusGrid],
  );

  return (
    <div className={mergeClasses(styles.frame, !rail && styles.withoutRail)}>
      <header className={styles.top}>
        <TopBar
          project={project}
          left={left}
          kind={page?.task.kind}
          layout={layout}
          desk={open?.desk ?? null}
          zoom={shown === 1 && page ? scale : null}
          quick={layout === 1 && !many ? quick : null}
          large={large}
          onQuick={toggleQuick}
          onLarge={enlarge}
          onZoom={zoomBy}
          onLayout={(chosen) => {
            rememberLayout(chosen);
            setLayout(chosen);
            setLarge(false);
          }}
          onInstructions={() => setInstructions(true)}
          onHelp={() => setHelp(true)}
          onRail={() => setRail(!rail)}
        />
      </header>
      <div className={mergeClasses(styles.rail, !rail && styles.hidden)}>
        <ClassRail
          projectId={project.project_id}
          classes={choices}
          on={on}
          findRef={find}
          onChoose={chooseClass}
          onLeave={focusGrid}
        />
      </div>
      <main className={styles.stage} aria-busy={open?.state.goingBack ?? false}>
        {open?.state.readOnly && <OpenElsewhere onTakeOver={open.desk.takeOver} />}
        {open?.state.full && <Full pages={MAX_UNSAVED} />}
        {open && page && (
          <Refused page={page} onDiscard={() => open.desk.discard(page.task.task_id)} />
        )}
        <div className={styles.images}>
          {open && session && page ? (
            <Grid
              gridRef={grid}
              zoomRef={zoom}
              session={session}
              classes={classes}
              layout={shown}
              portrait={portrait}
              onZoom={setScale}
              onSelect={(itemIds) => act({ type: "select", itemIds })}
              actions={tiles}
              projectId={project.project_id}
              frames={frames}
            />
          ) : (
            <Waiting
              why={open?.state.why ?? null}
              layout={layout}
              portrait={portrait}
              project={project}
              onResume={() => open?.desk.resume()}
            />
          )}
        </div>
        {(isDicom || several) && focused && (
          <div className={styles.frames} role="group" aria-label={t("frames.frame")}>
            {focused.frames > 1 && (
              <FrameSlider
                frame={frames.get(focused.item_id) ?? 0}
                count={focused.frames}
                onGo={(frame) => goToFrame(focused.item_id, frame)}
              />
            )}
            {isDicom && <span className={styles.notice}>{t("frames.notice")}</span>}
          </div>
        )}
      </main>
      <footer className={styles.bottom}>
        <BottomBar
          page={page}
          many={many}
          state={open?.state ?? null}
          locked={locked}
          suggested={suggested}
          onUndo={() => undo()}
          onRedo={() => act({ type: "redo" })}
          onSkip={() => decide("skipped")}
          onAsk={() => decide("needs_review")}
          onNothing={() => decide("labeled")}
          onClear={() => act({ type: "clear", at: Date.now() })}
          onSubmit={submit}
          onDismiss={() => open?.desk.dismiss()}
        >
          {(said ?? offer) && open?.state.connection !== "signedOut" ? (
            <>
              {said && (
                <UndoLine
                  key={said.times}
                  words={said.words}
                  ms={HOLD_MS}
                  onUndo={() => undo()}
                  onEnd={() => {
                    setSaid(null);
                    if (oneKey && offer?.about === "skipped" && !offer.typing) setOffer(null);
                  }}
                />
              )}
              {offer && (
                <Explain
                  key={offer.itemIds.join()}
                  offer={offer}
                  onReason={(reason) => explain({ reason })}
                  onNote={(note) => explain({ note })}
                  onType={() => setOffer({ ...offer, typing: true })}
                  onClose={closeOffer}
                />
              )}
            </>
          ) : (
            hintLine
          )}
        </BottomBar>
      </footer>
      <HelpDialog
        open={help}
        without={many ? NOTHING : NO_NOTHING}
        onClose={() => setHelp(false)}
        focusAfter={focusedTile}
      />
      <InstructionsDialog
        project={project}
        open={instructions}
        onClose={closeInstructions}
        focusAfter={focusedTile}
      />
    </div>
  );
}

const NOTHING: ReadonlySet<CommandId> = new Set();
/** One class an image: it shows something, or is skipped. */
const NO_NOTHING: ReadonlySet<CommandId> = new Set(["nothing"]);

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Ids of the classes that all images in hand have, in one text. */
function sharedClasses(session: Session | undefined): string {
  const [first, ...others] = session ? targets(session) : [];
  const work = session?.pages[0]?.work;
  const has = (item: TaskItem, classId: string) =>
    work?.[item.item_id]?.annotations.some((one) => one.class_id === classId) ?? false;
  const ids = (first && work?.[first.item_id]?.annotations.map((one) => one.class_id)) ?? [];
  return ids.filter((id) => others.every((item) => has(item, id))).join(" ");
}

const DECISIONS: ReadonlySet<SessionEvent["type"]> = new Set([
  "classify",
  "untag",
  "clear",
  "decide",
  "skipPage",
  "explain",
  "accept",
  "undo",
  "redo",
]);

function decides(event: SessionEvent): boolean {
  return DECISIONS.has(event.type);
}

/** When something is decided, for the time that images take. */
function clock(): number {
  return Date.now();
}
