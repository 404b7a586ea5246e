import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ComponentProps, ReactNode } from "react";

import { HelpDialog } from "@/keys/HelpDialog";

import { MAX_UNSAVED } from "../session/desk";
import type { Deeds } from "../useDeeds";
import type { Labeling } from "../useLabeling";
import { Correcting, Full, OpenElsewhere, Refused } from "./Banners";
import { BottomBar } from "./BottomBar";
import { Explain } from "./Explain";
import { InstructionsDialog } from "./InstructionsDialog";
import { TopBar } from "./TopBar";

const useStyles = makeStyles({
  frame: {
    "--panel": "max(112px, 24dvh)",
    display: "grid",
    height: "100%",
    gridTemplateColumns: "184px minmax(0, 1fr)",
    gridTemplateRows: "44px minmax(0, 1fr) 52px",
    gridTemplateAreas: '"top top" "side stage" "bottom bottom"',
    "@media (max-width: 720px)": {
      gridTemplateColumns: "minmax(0, 1fr)",
      gridTemplateRows: "44px minmax(0, 1fr) var(--panel) 60px",
      gridTemplateAreas: '"top" "stage" "side" "bottom"',
    },
  },
  withTools: {
    "--panel": "100px",
    gridTemplateColumns: "184px 44px minmax(0, 1fr)",
    gridTemplateAreas: '"top top top" "side tools stage" "bottom bottom bottom"',
    "@media (max-width: 720px)": {
      gridTemplateRows: "44px 48px minmax(0, 1fr) var(--panel) 60px",
      gridTemplateAreas: '"top" "tools" "stage" "side" "bottom"',
    },
  },
  withoutSide: {
    gridTemplateColumns: "0 minmax(0, 1fr)",
    "@media (max-width: 720px)": { "--panel": "0px", gridTemplateColumns: "minmax(0, 1fr)" },
  },
  toolsWithoutSide: {
    gridTemplateColumns: "0 44px minmax(0, 1fr)",
    "@media (max-width: 720px)": { "--panel": "0px", gridTemplateColumns: "minmax(0, 1fr)" },
  },
  top: { gridArea: "top", minWidth: 0, backgroundColor: tokens.colorNeutralBackground1 },
  side: { gridArea: "side", display: "grid", minHeight: 0, minWidth: 0 },
  hidden: { visibility: "hidden" },
  tools: { gridArea: "tools", minHeight: 0, minWidth: 0 },
  stage: {
    gridArea: "stage",
    position: "relative",
    minWidth: 0,
    minHeight: 0,
    display: "flex",
    flexDirection: "column",
    backgroundColor: tokens.colorNeutralBackground2,
  },
  bottom: { gridArea: "bottom", minWidth: 0, backgroundColor: tokens.colorNeutralBackground1 },
});

type Top = ComponentProps<typeof TopBar>;
type Bottom = ComponentProps<typeof BottomBar>;

interface Props {
  labeling: Labeling;
  /** Images at once and how near they are seen, in the bar at the top. */
  view: Pick<Top, "layout" | "zoom" | "quick" | "onZoom"> &
    Partial<Pick<Top, "large" | "onQuick" | "onLarge" | "onLayout">>;
  deeds: Deeds;
  /** What can be done with the page, in the bar at the bottom. */
  bottom: Pick<Bottom, "many" | "suggested" | "onClear">;
  /** Something was done by a button. */
  onDone?: () => void;
  /** Said in the bar at the bottom before anything else. */
  line?: ReactNode;
  help: Omit<ComponentProps<typeof HelpDialog>, "open" | "onClose">;
  onInstructionsClosed?: () => void;
  tools?: ReactNode;
  /** The classes, and what is said beside the images. */
  side: ReactNode;
  hasSide: boolean;
  onSide: () => void;
  /** The images, with what is said above and below them. */
  children: ReactNode;
}

/** A labeling page: the bars, the classes, what is the matter with the page, and the dialogs over it. */
export function LabelFrame(props: Props): ReactNode {
  const { labeling, deeds, tools, side, hasSide, help } = props;
  const { project, open, page, offer, setOffer } = labeling;
  const styles = useStyles();
  const signedOut = open?.state.connection === "signedOut";
  const then = (run: () => void) => (): void => {
    run();
    props.onDone?.();
  };
  return (
    <div
      className={mergeClasses(
        styles.frame,
        tools !== undefined && styles.withTools,
        !hasSide && (tools === undefined ? styles.withoutSide : styles.toolsWithoutSide),
      )}
    >
      <header className={styles.top}>
        <TopBar
          project={project}
          left={labeling.left}
          kind={page?.task.kind}
          desk={open?.desk ?? null}
          {...props.view}
          onInstructions={labeling.showInstructions}
          onHelp={() => labeling.setHelp(true)}
          onRail={props.onSide}
        />
      </header>
      {tools !== undefined && <div className={styles.tools}>{tools}</div>}
      <div className={mergeClasses(styles.side, !hasSide && styles.hidden)}>{side}</div>
      <main className={styles.stage} aria-busy={open?.state.goingBack ?? false}>
        {open?.state.readOnly && <OpenElsewhere onTakeOver={open.desk.takeOver} />}
        {open?.state.full && <Full pages={MAX_UNSAVED} />}
        {page?.task.kind === "correction" && <Correcting />}
        {open && page && (
          <Refused page={page} onDiscard={() => open.desk.discard(page.task.task_id)} />
        )}
        {props.children}
      </main>
      <footer className={styles.bottom}>
        <BottomBar
          page={page}
          state={open?.state ?? null}
          locked={labeling.locked}
          {...props.bottom}
          onUndo={then(() => deeds.undo())}
          onRedo={then(deeds.redo)}
          onSkip={then(() => deeds.decide("skipped"))}
          onAsk={then(() => deeds.decide("needs_review"))}
          onNothing={then(() => deeds.decide("labeled"))}
          onSubmit={then(deeds.submit)}
          onDismiss={() => open?.desk.dismiss()}
        >
          {(props.line ?? offer) && !signedOut ? (
            <>
              {props.line}
              {offer && (
                <Explain
                  key={offer.itemIds.join()}
                  offer={offer}
                  onReason={(reason) => deeds.explain({ reason })}
                  onNote={(note) => deeds.explain({ note })}
                  onClose={deeds.closeOffer}
                  onType={() => setOffer({ ...offer, typing: true })}
                />
              )}
            </>
          ) : (
            labeling.hintLine
          )}
        </BottomBar>
      </footer>
      <HelpDialog {...help} open={labeling.help} onClose={() => labeling.setHelp(false)} />
      <InstructionsDialog
        project={project}
        open={labeling.instructions}
        onClose={() => {
          labeling.closeInstructions();
          props.onInstructionsClosed?.();
        }}
        focusAfter={help.focusAfter}
      />
    </div>
  );
}
