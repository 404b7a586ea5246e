import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { newId } from "@/api/client";
import { progressQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { classAtKey } from "@/classes";
import { useCommands } from "@/keyboard";
import { announce } from "@/ui/announcer";

import { BottomBar } from "./BottomBar";
import { ClassRail } from "./ClassRail";
import { describeWork } from "./describe";
import { Grid } from "./Grid";
import { HelpDialog } from "./HelpDialog";
import { InstructionsDialog, instructionsAreNew, rememberInstructions } from "./InstructionsDialog";
import { columnsOf, fitting, rememberedLayout, rememberLayout, type Layout } from "./layouts";
import { decidedCount, isComplete, targets, type SessionEvent } from "./session";
import { TopBar } from "./TopBar";
import { useDesk } from "./useDesk";
import { usePortrait } from "./usePortrait";
import { Waiting } from "./Waiting";

const PROGRESS_EVERY_MS = 30_000;

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
  stage: { gridArea: "stage", minWidth: 0, minHeight: 0, position: "relative" },
  bottom: { gridArea: "bottom", minWidth: 0, backgroundColor: tokens.colorNeutralBackground1 },
});

/** Labeling by classes: a page of images, the classes, and what can be done. */
export function Stage({ project, userId }: { project: Project; userId: string }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [layout, setLayout] = useState<Layout>(rememberedLayout);
  const [large, setLarge] = useState(false);
  const [rail, setRail] = useState(true);
  const [help, setHelp] = useState(false);
  const [instructions, setInstructions] = useState(() => instructionsAreNew(project));
  const portrait = usePortrait();
  const find = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const progress = useQuery(progressQuery(project.project_id, PROGRESS_EVERY_MS)).data;
  const open = useDesk(project, userId, layout);
  const session = open?.state.session;
  const page = session?.pages[0];
  const many = project.task_type === "multilabel";
  const { classes } = project;
  const shown = fitting(large ? 1 : layout, page?.items.length ?? layout);

  const focusGrid = useCallback(() => {
    grid.current?.querySelector<HTMLElement>("[role=option][tabindex='0']")?.focus();
  }, []);

  /** Does it, and says what has become of the images. */
  const act = (event: SessionEvent): void => {
    if (!open) return;
    const chosen = session ? targets(session) : [];
    open.desk.act(event);
    const after = open.desk.state().session;
    const now = after.pages[0];
    const first = chosen[0];
    if (!now || !first || !page || now.work === page.work) return;
    const values = {
      work: describeWork(t, now.work[first.item_id], classes),
      done: decidedCount(now),
      all: now.items.length,
    };
    if (chosen.length > 1) announce(t("label.saidMany", { ...values, images: chosen.length }));
    else announce(t("label.said", { ...values, position: now.items.indexOf(first) + 1 }));
  };
  const classify = (index: number): void => {
    const chosen = classes[index];
    if (chosen)
      act({
        type: "classify",
        classId: chosen.class_id,
        annotationId: newId("a"),
        at: Date.now(),
      });
  };
  const decide = (outcome: "skipped" | "needs_review" | "labeled"): void =>
    act({ type: "decide", outcome, at: Date.now() });
  const submit = (): void => {
    if (!open || !page) return;
    if (!decidedCount(page)) {
      announce(t("label.nothingToSubmit"));
      return;
    }
    open.desk.submit();
    const next = open.desk.state().session.pages[0];
    announce(next ? t("label.saidPage", { images: next.items.length }) : t("label.saidSubmitted"));
  };
  const submitOrGoOn = (): void => {
    if (page && isComplete(page)) submit();
    else {
      act({ type: "nextOpen" });
      if (page) announce(t("label.stillOpen", { count: page.items.length - decidedCount(page) }));
    }
  };
  const move = (code: string, extend: boolean): void => {
    const columns = columnsOf(shown, portrait);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[code];
    if (by) act({ type: "move", by, extend });
    requestAnimationFrame(focusGrid);
  };
  const undo = (): void => {
    if (session?.past.length) act({ type: "undo" });
    else open?.desk.back();
  };
  const closeInstructions = () => {
    rememberInstructions(project);
    setInstructions(false);
  };

  useCommands("label", {
    class: (event) => classify(classAtKey(event.code.slice(-1))),
    findClass: () => {
      setRail(true);
      find.current?.focus();
    },
    ...(many && { nothing: () => decide("labeled") }),
    clear: () => act({ type: "clear", at: Date.now() }),
    skip: () => decide("skipped"),
    ask: () => decide("needs_review"),
    move: (event) => move(event.code, false),
    extend: (event) => move(event.code, true),
    selectAll: () => act({ type: "selectAll" }),
    clearSelection: () => {
      setLarge(false);
      act({ type: "clearSelection" });
    },
    large: () => setLarge((before) => !before),
    submit: submitOrGoOn,
    submitNow: submit,
    undo,
    redo: () => act({ type: "redo" }),
    instructions: () => setInstructions(true),
    rail: () => setRail((before) => !before),
    help: () => setHelp(true),
  });

  // The keyboard goes to the images: to the next open one after each decision, to the first of a new page,
  // also from a button that was clicked, so that Enter submits and does not press it again.
  const focusKey = `${page?.task.task_id ?? ""} ${session?.focus ?? 0}`;
  useEffect(() => {
    const busy = document.activeElement?.closest("input, textarea, [role=dialog], [role=menu]");
    if (!busy) focusGrid();
  }, [focusKey, focusGrid, layout, large]);

  const on = useMemo(() => {
    const chosen = session ? targets(session) : [];
    return new Set(
      classes
        .map((one) => one.class_id)
        .filter(
          (id) =>
            chosen.length > 0 &&
            chosen.every((item) =>
              page?.work[item.item_id]?.annotations.some((one) => one.class_id === id),
            ),
        ),
    );
  }, [session, page, classes]);

  return (
    <div className={mergeClasses(styles.frame, !rail && styles.withoutRail)}>
      <header className={styles.top}>
        <TopBar
          project={project}
          progress={progress}
          kind={page?.task.kind}
          layout={layout}
          desk={open?.desk ?? null}
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
          classes={classes}
          on={on}
          findRef={find}
          onChoose={(index) => {
            classify(index);
            focusGrid();
          }}
          onLeave={focusGrid}
        />
      </div>
      <main className={styles.stage}>
        {open && session && page ? (
          <Grid
            gridRef={grid}
            session={session}
            classes={classes}
            layout={shown}
            portrait={portrait}
            onFocus={(index, how) => act({ type: "focus", index, ...(how && { how }) })}
            onLarge={() => setLarge(!large)}
            onUnreadable={(itemId) => open.desk.signAgain([itemId])}
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
      </main>
      <footer className={styles.bottom}>
        <BottomBar
          page={page}
          many={many}
          state={open?.state ?? null}
          onUndo={undo}
          onSkip={() => decide("skipped")}
          onAsk={() => decide("needs_review")}
          onNothing={() => decide("labeled")}
          onSubmit={submit}
          onDismiss={() => open?.desk.dismiss()}
        />
      </footer>
      <HelpDialog open={help} many={many} onClose={() => setHelp(false)} />
      <InstructionsDialog project={project} open={instructions} onClose={closeInstructions} />
    </div>
  );
}
