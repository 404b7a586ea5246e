import { makeStyles } from "@fluentui/react-components";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";

import { Annotator, type AnnotatorHandle } from "@/annotate/Annotator";
import type { Notice } from "@/annotate/editor";
import { keepAhead } from "@/annotate/render/imageLayer";
import { mended } from "@/annotate/sound";
import { withoutTwins } from "@/annotate/twins";
import { DRAWING, type ToolId } from "@/annotate/tools/tools";
import { newId } from "@/api/client";
import type { Annotation, Me, Project, TaskItem } from "@/api/types";
import { fittingAttributes } from "@/attributes";
import { classAtKey, offeredClasses } from "@/classes";
import { useClicks } from "@/clicks/useClicks";
import { ofFrames } from "@/frames/commands";
import { FrameBar } from "@/frames/FrameBar";
import { useFrames } from "@/frames/useFrames";
import { useWindowing } from "@/frames/useWindowing";
import { WindowDrag } from "@/frames/WindowDrag";
import { useCommands, type Handlers } from "@/keys/keyboard";
import { announce } from "@/ui/announcer";
import { isAsked } from "@/ui/useFocusBack";

import { focusField } from "../panels/AttributePanel";
import { Crowded, Returned } from "../panels/Banners";
import { ClassRail } from "../panels/ClassRail";
import { LabelFrame } from "../panels/LabelFrame";
import { OutcomeMark } from "../panels/OutcomeMark";
import { Waiting } from "../panels/Waiting";
import { deedCommands, useDeeds } from "../useDeeds";
import { useLabeling } from "../useLabeling";
import { ClickBar } from "./ClickBar";
import { notOf, outlineCommands } from "./drawing";
import { LookMenu } from "./LookMenu";
import { NEARLY_FULL, useRoom } from "./room";
import { ShapesPanel } from "./ShapesPanel";
import { Toolbar } from "./Toolbar";
import { useFit } from "./useFit";
import { useFrameDeeds } from "./useFrameDeeds";
import { useOnImage } from "./useOnImage";
import { useScale } from "./useScale";
import { useSeen } from "./useSeen";
import { useSettings } from "./useSettings";
import { useShapeDeeds } from "./useShapeDeeds";
import { useTool } from "./useTool";

const ZOOM_STEP = 1.5;
/** One image a page: each Enter submits, and the pages after it are there already. */
const PAGE_SIZE = 1;

const useStyles = makeStyles({
  image: { flex: "1 1 0", minHeight: 0, position: "relative" },
  unreadable: {
    position: "absolute",
    inset: 0,
    display: "grid",
    placeItems: "center",
    pointerEvents: "none",
  },
  panel: {
    minHeight: 0,
    minWidth: 0,
    display: "grid",
    gridTemplateRows: "minmax(96px, 1fr) minmax(96px, 1fr)",
    // A line for the classes and one for the shapes, whose list comes up over the image.
    "@media (max-width: 720px)": { gridTemplateRows: "minmax(0, 1fr) 44px" },
  },
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
  const { t } = useTranslation();
  const styles = useStyles();
  const { classes, task_type: type, assist } = project;
  const choices = useMemo(() => offeredClasses(classes), [classes]);
  const [activeClass, setActiveClass] = useState(choices[0]?.class_id ?? null);
  const on = useMemo(() => new Set(activeClass === null ? [] : [activeClass]), [activeClass]);
  const [imageState, setImageState] = useState<"loading" | "ready" | "failed">("loading");
  const [scale, followScale] = useScale();
  const { settings, setSettings, commands: settingCommands } = useSettings();
  const [panel, setPanel] = useState(true);
  const [raised, setRaised] = useState(false);
  const [onCanvas, setOnCanvas] = useState(false);
  const editor = useRef<AnnotatorHandle>(null);
  const find = useRef<HTMLInputElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const attributePanel = useRef<HTMLDivElement>(null);
  /** While this is selected, and was not chosen after a tool was taken, a class is the next shape's. */
  const meantForNext = useRef("");
  const focusCanvas = useCallback(() => {
    if (!isAsked()) editor.current?.focus();
  }, []);
  const canvas = useCallback(
    () => stage.current?.querySelector<HTMLElement>("[role=application]"),
    [],
  );
  const then = (run: () => void): void => {
    run();
    focusCanvas();
  };

  const labeling = useLabeling(project, me, PAGE_SIZE);
  const { open, page, locked, hint, asking, offer } = labeling;
  const session = open?.state.session;
  const item = page?.items[session?.focus ?? 0];
  const itemId = item?.item_id;
  const work = itemId === undefined ? undefined : page?.work[itemId];
  const taskId = page?.task.task_id ?? null;
  const frames = useFrames(project.project_id, item, taskId);
  const frame = frames?.frame ?? 0;
  const windowing = useWindowing(frames, itemId);
  const image = useOnImage(item, work, frame, classes);
  const { everywhere, shapes, selection, locks } = image;
  const room = useRoom(everywhere, me);
  const { tool, tools, take, kept, keep } = useTool(project, me, itemId, !shapes.length);
  const clicked = frame === 0 ? item : undefined;
  const clicks = useClicks(project.project_id, type, clicked, taskId, tool === "click");
  const { unseen, rest } = useSeen(image, editor, imageState === "ready" && !asking, me.seen_ms);

  /** Whether nothing is half drawn that would get lost. */
  const isFinished = (): boolean => {
    if (!editor.current?.isDrafting()) return true;
    hint(t("canvas.finishFirst"));
    return false;
  };
  /** Goes to a suggestion that nobody has looked at. False: there is none. */
  const showUnseen = (): boolean => {
    const [one] = unseen;
    const submits = !work?.outcome || work.outcome === "labeled";
    if (one === undefined || !submits) return false;
    goToFrame(everywhere.find(({ annotation_id: id }) => id === one)?.frame ?? frame);
    select([one]);
    requestAnimationFrame(() => {
      if (!editor.current?.inView().includes(one)) editor.current?.zoomToSelection();
    });
    hint(t("canvas.notSeen"));
    return true;
  };
  const mayLeave = (): boolean => {
    if (room <= 1) return !showUnseen();
    hint(t("canvas.room.over"));
    return false;
  };
  const goToAttributes = (): void => {
    // What is hidden takes no focus.
    flushSync(() => {
      setPanel(true);
      setRaised(true);
    });
    if (!focusField(attributePanel.current)) hint(t("attributes.none"));
  };
  const deeds = useDeeds(labeling, {
    seen: () => new Set(itemId === undefined ? [] : [itemId]),
    isFinished,
    mayLeave,
    showMissing: (one, index) => {
      act({ type: "focus", index });
      if (index !== session?.focus) return;
      goToFrame(one.frame);
      flushSync(() => select([one.annotation_id]));
      requestAnimationFrame(goToAttributes);
    },
    mended: (all, item) => mendedShapes(all, item),
    focusImages: focusCanvas,
  });
  const { act } = deeds;
  const { goTo: goToFrame, commands: frameCommands } = useFrameDeeds(image, frames, {
    act,
    isFinished,
    onGo: () => (meantForNext.current = ""),
    hint,
  });
  const shapeDeeds = useShapeDeeds(labeling, image, tool, act);
  const { fitting, fitSelected } = useFit(labeling, image, act);
  /**
   * What is submitted covers what is shown, also where an outline was left crossing itself, and a shape that
   * lies exactly on another, which nobody sees, is said once, unless the project takes those.
   */
  const mendedShapes = (all: readonly Annotation[], item: TaskItem): Annotation[] | null => {
    const once = project.twins ? null : withoutTwins(all);
    if (once) hint(t("canvas.twins", { count: all.length - once.length }));
    const sound = mended(once ?? all, item) ?? once;
    return fittingAttributes(sound ?? all, classes) ?? sound;
  };

  const select = (ids: readonly string[]): void => {
    if (ids.join() !== meantForNext.current) meantForNext.current = "";
    image.select(ids);
    const said = image.describe(ids, shapes);
    if (said) announce(said);
  };
  const notice = (one: Notice): void => {
    if (one.type === "refused") hint(t(`canvas.refused.${one.why}`));
    else if (one.type === "points") announce(t("canvas.points", { count: one.count }));
    else hint(t("canvas.tangled"));
  };
  const chooseTool = (wanted: ToolId): void => {
    const command = take(wanted);
    if (!command) return;
    meantForNext.current = DRAWING.has(wanted) ? selection.join() : "";
    announce(t(`commands.${command.id}`));
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
    if (isForNext) announce(t("canvas.classChosen", { name: wanted.name }));
    else if (locked) hint(t("label.locked"));
    else {
      editor.current?.classify(wanted.class_id);
      if (shapeDeeds.wereDrawn(selection)) hint(t("canvas.drawnIs", { name: wanted.name }));
    }
  };
  const submitOrGoOn = (): void => {
    if (editor.current?.enter()) shapeDeeds.closedByKey();
    else if (!shapeDeeds.hasJustClosed()) deeds.submitOrGoOn();
  };
  /** A point of what is being drawn before anything else. */
  const undo = (held = false): void => {
    if (!editor.current?.undo()) deeds.undo(held);
  };
  const go = (by: number): void => {
    if (isFinished()) act({ type: "move", by, extend: false });
  };
  const toggleLock = (): void => {
    const count = image.toggleLock();
    announce(count ? t("canvas.nowLocked", { count }) : t("canvas.unlocked"));
  };
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
    attributes: goToAttributes,
    nothing: () => deeds.decide("labeled"),
    ...Object.fromEntries(tools.map((one) => [one.id, () => chooseTool(one.tool)])),
    acceptAll: () => shapeDeeds.confirm(image.open),
    rejectAll: shapeDeeds.rejectAll,
    nudge: (event) => arrow(event),
    nudgeFar: (event) => arrow(event, { far: true }),
    nudgeFine: (event) => arrow(event, { fine: true }),
    copy: () => editor.current?.copy(),
    paste: () => edit((on) => on.paste()),
    duplicate: () => edit((on) => on.duplicate()),
    selectAllShapes: () => editor.current?.selectAll(),
    ...(type === "polygons" &&
      Object.fromEntries(outlineCommands.map((id) => [id, () => edit((on) => on[id]())]))),
    ...(assist.on && { fitShape: fitSelected }),
    // Without a draft there is no point to take back: then it does what Delete does.
    lastPoint: ({ repeat }) => {
      if (!editor.current?.takeBack() && !repeat) edit((on) => on.deleteSelected());
    },
    deleteShape: () => edit((on) => on.deleteSelected()),
    deleteAll,
    ...(onCanvas &&
      shapes.length > 0 && {
        nextShape: () => cycle(1),
        previousShape: () => cycle(-1),
      }),
    ...frameCommands,
    ...windowing.commands,
    leaveCanvas: () => {
      if (windowing.on) windowing.turn(false);
      else if (offer) deeds.closeOffer();
      else if (!editor.current?.escape()) canvas()?.blur();
    },
    lock: toggleLock,
    hide: (event) => editor.current?.hold("hide", event.code),
    pan: (event) => editor.current?.hold("pan", event.code),
    ...settingCommands,
    zoomToShape: () => editor.current?.zoomToSelection(),
    rotateLeft: () => editor.current?.turn(-1),
    rotateRight: () => editor.current?.turn(1),
    previousImage: () => go(-1),
    nextImage: () => go(1),
    zoomIn: () => zoomBy(ZOOM_STEP),
    zoomOut: () => zoomBy(1 / ZOOM_STEP),
    zoomFit: () => zoomBy(null),
    ...deedCommands(labeling, deeds),
    submit: submitOrGoOn,
    undo: (event) => undo(event.repeat),
    rail: () => setPanel((before) => !before),
  };
  useCommands("canvas", handlers);

  useEffect(() => {
    const busy =
      document.querySelector("[role=dialog], [role=menu]") ??
      document.activeElement?.closest("input, textarea, select");
    if (itemId !== undefined && !busy) focusCanvas();
  }, [itemId, focusCanvas]);
  // The next picture is there before it is asked for, but after the one that is looked at.
  const ahead = session?.pages[1]?.items[0]?.images.preview;
  useEffect(() => {
    if (imageState !== "loading") keepAhead(ahead === undefined ? [] : [ahead]);
  }, [ahead, imageState]);

  const suggested = !work?.outcome && image.open.length > 0;
  return (
    <LabelFrame
      labeling={labeling}
      view={{
        layout: null,
        zoom: item ? scale : null,
        quick: null,
        onZoom: (factor) => then(() => zoomBy(factor)),
      }}
      deeds={{ ...deeds, undo }}
      bottom={{ many: true, suggested }}
      onDone={focusCanvas}
      help={{
        place: "canvas",
        without: frames ? notOf(type, assist) : new Set([...notOf(type, assist), ...ofFrames]),
        focusAfter: canvas,
      }}
      onInstructionsClosed={() => setTimeout(focusCanvas, 300)}
      tools={
        <Toolbar
          tools={tools}
          tool={tool}
          shapes={shapes.length}
          polygons={shapes.filter((one) => one.geometry.kind === "polygon").length}
          selected={selection.length}
          closed={locked}
          onFit={assist.on ? () => then(fitSelected) : null}
          fitting={fitting}
          onTool={chooseTool}
          onLock={() => then(toggleLock)}
          onEdit={(run) => then(() => edit(run))}
          onLook={(run) => then(() => editor.current && run(editor.current))}
        >
          <LookMenu settings={settings} onChange={setSettings} onClose={focusCanvas} />
        </Toolbar>
      }
      side={
        <aside aria-label={t("canvas.panel")} className={styles.panel}>
          <ClassRail
            projectId={project.project_id}
            classes={choices}
            on={on}
            findRef={find}
            inLine
            onChoose={(index) => then(() => chooseClass(index))}
            onLeave={focusCanvas}
          />
          <ShapesPanel
            image={image}
            classes={classes}
            closed={locked}
            unseen={unseen}
            raised={raised}
            onRaise={setRaised}
            attributesRef={attributePanel}
            onAccept={(ids) => then(() => shapeDeeds.confirm(ids))}
            onRejectAll={() => then(shapeDeeds.rejectAll)}
            onDelete={(id) => then(() => shapeDeeds.remove([id]))}
            onDeleteAll={() => then(deleteAll)}
            onSelect={(ids) => {
              meantForNext.current = "";
              select(ids);
            }}
            onRename={() => {
              meantForNext.current = "";
              find.current?.focus();
            }}
            onSay={shapeDeeds.say}
            onLeave={focusCanvas}
          />
        </aside>
      }
      hasSide={panel}
      onSide={() => setPanel(!panel)}
    >
      {room >= NEARLY_FULL && <Crowded share={room} />}
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
              suggestions={image.suggestions}
              locked={locks}
              settings={settings}
              newId={() => newId("a")}
              onChange={shapeDeeds.change}
              onSelect={select}
              onNotice={notice}
              onView={(view) => {
                followScale(view.scale);
                rest();
              }}
              onPoint={frames?.point}
              proposal={clicks.proposal}
              onAsk={clicks.ask}
              kept={kept}
              onDraft={(draft) => keep(draft, frame)}
              onImage={(state) => {
                setImageState(state);
                if (state === "failed")
                  if (frames) frames.again();
                  else open.desk.signAgain([item.item_id]);
              }}
            />
            <ClickBar
              clicks={clicks}
              onTake={() => then(() => editor.current?.finish())}
              onGiveUp={() => then(() => editor.current?.escape())}
            />
            {windowing.on && frames && (
              <WindowDrag
                frames={frames}
                onPoint={(event) => frames.point(event && (editor.current?.pixelAt(event) ?? null))}
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
            <OutcomeMark work={work} isEmpty={!shapes.length} />
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
          windowing={windowing.on}
          onWindowing={windowing.turn}
          onDone={focusCanvas}
          isDicom={item.media === "dicom"}
        />
      )}
    </LabelFrame>
  );
}

const ARROWS: Record<string, { x: -1 | 0 | 1; y: -1 | 0 | 1 }> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
