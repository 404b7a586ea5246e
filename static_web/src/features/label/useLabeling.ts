import { useState, type ReactNode } from "react";

import type { Me, Project } from "@/api/types";

import type { Offer } from "./panels/Explain";
import { useHint } from "./panels/Hint";
import { instructionsAreNew, rememberInstructions } from "./panels/InstructionsDialog";
import { isLocked, type Desk, type DeskState } from "./session/desk";
import type { Page } from "./session/session";
import { useDesk, useLeft } from "./useDesk";

/** What every labeling page has in hand, whatever is labeled on it. */
export interface Labeling {
  project: Project;
  open: { desk: Desk; state: DeskState } | null;
  /** The page that is shown. */
  page: Page | undefined;
  /** Images nobody has decided about yet, once that is known. */
  left: number | undefined;
  /** Nothing may be changed just now. */
  locked: boolean;
  /** Says why nothing happened; the empty text takes it away. */
  hint: (text: string) => void;
  hintLine: ReactNode;
  help: boolean;
  setHelp: (shown: boolean) => void;
  instructions: boolean;
  showInstructions: () => void;
  closeInstructions: () => void;
  /** A dialog lies over the images. */
  asking: boolean;
  /** Images that can be explained, until one goes on. */
  offer: Offer | null;
  setOffer: (offer: Offer | null) => void;
}

/** Opens the desk of a project, `size` images a page, and what is asked beside it. */
export function useLabeling(project: Project, me: Me, size: number): Labeling {
  const open = useDesk(project, me.user, size);
  const left = useLeft(project, open?.state);
  const [hintLine, hint] = useHint();
  const [help, setHelp] = useState(false);
  const [instructions, setInstructions] = useState(() => instructionsAreNew(project));
  const [offer, setOffer] = useState<Offer | null>(null);
  return {
    project,
    open,
    page: open?.state.session.pages[0],
    left,
    locked: isLocked(open?.state),
    hint,
    hintLine,
    help,
    setHelp,
    instructions,
    showInstructions: () => setInstructions(true),
    closeInstructions: () => {
      rememberInstructions(project);
      setInstructions(false);
    },
    asking: help || instructions,
    offer,
    setOffer,
  };
}
