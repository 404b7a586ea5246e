import { makeStyles, tokens } from "@fluentui/react-components";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";

import { newId } from "@/api/client";
import type { Annotation, LabelClass, Me, Project, TaskItem } from "@/api/types";
import { fittingAttributes } from "@/attributes";
import { classAtKey, offeredClasses } from "@/classes";
import type { CommandId } from "@/keys/commands";
import { FrameBar } from "@/frames/FrameBar";
import { FrameSlider } from "@/frames/FrameSlider";
import { ofFrames } from "@/frames/commands";
import { isFramed } from "@/frames/query";
import { useFrames } from "@/frames/useFrames";
import { useWindowing } from "@/frames/useWindowing";
import { useCommands } from "@/keys/keyboard";
import { announce, announceAtRest } from "@/ui/announcer";
import { focusSoon, isAsked } from "@/ui/useFocusBack";

import { AttributePanel, focusField } from "../panels/AttributePanel";
import { ClassRail } from "../panels/ClassRail";
import { Grid } from "./Grid";
import { LabelFrame } from "../panels/LabelFrame";
import {
  columnsOf,
  fitting,
  rememberedLayout,
  rememberedQuick,
  rememberLayout,
  rememberQuick,
  type Layout,
} from "./layouts";
import { targets, type Session } from "../session/session";
import type { TileActions } from "./Tile";
import { UndoLine } from "./UndoLine";
import { clock, deedCommands, HOLD_MS, useDeeds } from "../useDeeds";
import { useLabeling } from "../useLabeling";
import { usePortrait } from "./usePortrait";
import { Waiting } from "../panels/Waiting";
import type { ZoomControl } from "./Zoomable";

const SELECTION_RESTS_MS = 300;
const ZOOM_STEP = 1.5;
const DIALOG_CLOSES_MS = 300;
const PAN_PX = 80;

const useStyles = makeStyles({
  rail: {
    minHeight: 0,
    display: "grid",
    gridTemplateRows: "minmax(0, 1fr) auto",
    "@media (max-width: 720px)": {
      gridTemplateRows: "minmax(0, 1fr)",
      gridTemplateColumns: "minmax(0, 1fr) fit-content(60%)",
    },
  },
  attributes: { minHeight: 0, maxHeight: "40dvh", overflowY: "auto", scrollbarWidth: "thin" },
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
});

/** Labeling by classes: a page of images, the classes, and what can be done. */
export function Stage({ project, me }: { project: Project; me: Me }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [layout, setLayout] = useState<Layout>(rememberedLayout);
  const [large, setLarge] = useState(false);
  const [rail, setRail] = useState(true);
  const [quick, setQuick] = useState(rememberedQuick);
  const [scale, setScale] = useState(1);
  const [frames, setFrames] = useState<ReadonlyMap<string, number>>(new Map());
  const seen = useRef(new Set<string>());
  const zoom = useRef<ZoomControl>(null);
  const portrait = usePortrait();
  const find = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const labeling = useLabeling(project, me, layout);
  const { open, page, locked, hint, asking, offer } = labeling;
  const session = open?.state.session;
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

  const oneKey = quick && layout === 1 && !many;
  const attributePanel = useRef<HTMLDivElement>(null);
  /** The tags of the images in hand of which something is asked, class by class. */
  const asked = useMemo(() => askedOf(session, on, classes), [session, on, classes]);

  const goToAttributes = (): void => {
    flushSync(() => setRail(true)); // what is hidden takes no focus
    requestAnimationFrame(() => {
      if (!focusField(attributePanel.current)) hint(t("attributes.none"));
    });
  };
  const deeds = useDeeds(labeling, {
    oneKey,
    seen: () => seen.current,
    showMissing: (_, index) => {
      act({ type: "focus", index });
      goToAttributes();
    },
    mended: (annotations) => fittingAttributes(annotations, classes),
    focusImages: focusGrid,
  });
  const { act, decide, said } = deeds;
  const classify = (index: number): void => {
    const chosen = choices[index];
    if (!chosen) return;
    act({
      type: "classify",
      classId: chosen.class_id,
      annotationId: newId("a"),
      stays: chosen.attributes.length > 0,
      at: clock(),
    });
    const taken = many && on.has(chosen.class_id);
    if (!taken && chosen.attributes.some((one) => one.required)) goToAttributes();
    else if (oneKey && !locked) deeds.submitHeld(chosen.name);
  };
  const move = (code: string, extend: boolean): void => {
    const [dx, dy] = ARROWS[code] ?? [0, 0];
    if (extend && shown === 1) zoom.current?.pan(-dx * PAN_PX, -dy * PAN_PX);
    else act({ type: "move", by: dx + dy * columnsOf(shown, portrait), extend });
    focusSoon(focusGrid);
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
    announceAtRest(t("frames.of", { frame: frame + 1, count }));
  };
  // One that fills the page is looked at closely: through any window.
  const looked = useFrames(
    project.project_id,
    shown === 1 ? focused : undefined,
    page?.task.task_id ?? null,
    focused && {
      frame: frames.get(focused.item_id) ?? 0,
      onGo: (frame) => goToFrame(focused.item_id, frame),
    },
  );
  const windowing = useWindowing(looked, focused?.item_id);
  const step = (itemId: string, by: 1 | -1): void =>
    goToFrame(itemId, (frames.get(itemId) ?? 0) + by);
  const zoomBy = (factor: number | null) => {
    if (factor === null) zoom.current?.fit();
    else if (shown === 1) zoom.current?.by(factor);
    else if (factor > 1) setLarge(true);
  };

  useCommands("grid", {
    class: (event) => classify(classAtKey(event.code.slice(-1))),
    findClass: () => {
      flushSync(() => setRail(true)); // what is hidden takes no focus, and the next key is for it
      find.current?.focus();
    },
    attributes: goToAttributes,
    ...(many && { nothing: () => decide("labeled") }),
    clear: () => act({ type: "clear", at: clock() }),
    move: (event) => move(event.code, false),
    extend: (event) => move(event.code, true),
    selectAll: () => act({ type: "selectAll" }),
    clearSelection: () => {
      if (windowing.on) windowing.turn(false);
      else if (offer) deeds.closeOffer();
      else if (large) setLarge(false);
      else if (session?.selection.size) {
        act({ type: "clearSelection" });
        announce(t("label.selectedNone"));
      } else if (layout === 1) zoom.current?.fit();
    },
    large: enlarge,
    skipPage: deeds.skipPage,
    zoomIn: () => zoomBy(ZOOM_STEP),
    zoomOut: () => zoomBy(1 / ZOOM_STEP),
    zoomFit: () => zoomBy(null),
    quick: toggleQuick,
    ...(focused &&
      focused.frames > 1 && {
        previousFrame: () => step(focused.item_id, -1),
        nextFrame: () => step(focused.item_id, 1),
      }),
    rail: () => setRail((before) => !before),
    ...windowing.commands,
    ...deedCommands(labeling, deeds),
  });

  // The keyboard goes to the images: to the next open one after each decision, to the first of a new page,
  // also from a button that was clicked, so that Enter submits and does not press it again.
  const focusKey = `${page?.task.task_id ?? ""} ${session?.focus ?? 0}`;
  useEffect(() => {
    const busy =
      document.querySelector("[role=dialog], [role=menu]") ??
      document.activeElement?.closest("input, textarea, select");
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
  const framed = page?.items.some(isFramed) ?? false;
  const without = new Set<CommandId>([
    // One class an image: it shows something, or is skipped.
    ...(many ? [] : (["nothing"] as const)),
    ...(framed ? [] : ofFrames),
  ]);
  const chooseClass = useCallback(
    (index: number) => {
      latest.current.classify(index);
      focusGrid();
    },
    [focusGrid],
  );

  return (
    <LabelFrame
      labeling={labeling}
      view={{
        layout,
        zoom: shown === 1 && page ? scale : null,
        quick: layout === 1 && !many ? quick : null,
        large,
        onQuick: toggleQuick,
        onLarge: enlarge,
        onZoom: zoomBy,
        onLayout: (chosen) => {
          rememberLayout(chosen);
          setLayout(chosen);
          setLarge(false);
        },
      }}
      deeds={deeds}
      bottom={{ many, suggested, onClear: () => act({ type: "clear", at: clock() }) }}
      line={
        said && (
          <UndoLine
            key={said.times}
            words={said.words}
            ms={HOLD_MS}
            onUndo={() => deeds.undo()}
            onEnd={deeds.endSaid}
          />
        )
      }
      help={{ without, focusAfter: focusedTile }}
      side={
        <div className={styles.rail}>
          <ClassRail
            projectId={project.project_id}
            classes={choices}
            on={on}
            findRef={find}
            onChoose={chooseClass}
            onLeave={focusGrid}
          />
          <div ref={attributePanel} className={styles.attributes}>
            {asked.map(({ chosen, about }) => (
              <AttributePanel
                key={chosen.class_id}
                title={chosen.name}
                attributes={chosen.attributes}
                about={about}
                closed={locked}
                onSay={(name, value) =>
                  act({ type: "say", classId: chosen.class_id, name, value, at: clock() })
                }
                onLeave={focusGrid}
              />
            ))}
          </div>
        </div>
      }
      hasSide={rail}
      onSide={() => setRail(!rail)}
    >
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
            onSelect={(itemIds) => void act({ type: "select", itemIds })}
            actions={tiles}
            projectId={project.project_id}
            frames={frames}
            looked={looked && { frames: looked, windowing: windowing.on }}
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
      {looked && focused && (
        <FrameBar
          frames={looked}
          windowing={windowing.on}
          onWindowing={windowing.turn}
          onDone={focusGrid}
          isDicom={focused.media === "dicom"}
        />
      )}
      {!looked && (isDicom || several) && focused && (
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
    </LabelFrame>
  );
}

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

/** Of each class that all images in hand have and that asks for something: the tags. */
function askedOf(
  session: Session | undefined,
  on: ReadonlySet<string>,
  classes: readonly LabelClass[],
): { chosen: LabelClass; about: Annotation[] }[] {
  const work = session?.pages[0]?.work;
  const tags = session
    ? targets(session).flatMap((one) => work?.[one.item_id]?.annotations ?? [])
    : [];
  return classes
    .filter((one) => on.has(one.class_id) && one.attributes.length > 0)
    .map((chosen) => ({ chosen, about: tags.filter((one) => one.class_id === chosen.class_id) }));
}
