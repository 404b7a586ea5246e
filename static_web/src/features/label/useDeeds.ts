/** What is done with a page of images, and what is said of it, whatever is labeled on it. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { newId } from "@/api/client";
import type { Annotation, Outcome, TaskItem } from "@/api/types";
import { attributesOf, missingOf } from "@/attributes";
import type { Handlers } from "@/keys/keyboard";
import { announce } from "@/ui/announcer";
import { focusSoon } from "@/ui/useFocusBack";

import { describeWork, skipReasons } from "./session/describe";
import { decidedCount, isComplete, targets, type Page, type SessionEvent } from "./session/session";
import type { Labeling } from "./useLabeling";

/** How long one that was saved by a single key waits, so that it can be taken back without a trace. */
export const HOLD_MS = 3_000;

/** What one kind of labeling does in its own way. */
export interface Ways {
  /** One key decides about an image and submits it. */
  oneKey?: boolean;
  /** Images whose suggestions were looked at: submitting takes them. */
  seen: () => ReadonlySet<string>;
  /** Whether nothing is half done that would get lost; else it says so. */
  isFinished?: () => boolean;
  /** Whether the page may leave; else it says why not. */
  mayLeave?: () => boolean;
  /** Leads to an annotation of which something required is not said. */
  showMissing: (annotation: Annotation, index: number) => void;
  /** What is submitted of an image instead; null: what is there. */
  mended: (annotations: readonly Annotation[], item: TaskItem) => Annotation[] | null;
  /** Gives the keyboard back to the images. */
  focusImages: () => void;
}

export interface Deeds {
  /** Does it, unless nothing may be changed just now, and says what has become of the images. False: it was not done. */
  act: (event: SessionEvent) => boolean;
  decide: (outcome: Outcome) => void;
  skipPage: () => void;
  explain: (words: { reason: string } | { note: string }) => void;
  closeOffer: () => void;
  submit: () => void;
  /** Submits what one key has decided; for a moment it can be taken back. */
  submitHeld: (words: string) => void;
  submitOrGoOn: () => void;
  /** A key that is `held` down stops where the page began. */
  undo: (held?: boolean) => void;
  redo: () => void;
  /** What was submitted by one key just now; another number each time. */
  said: { words: string; times: number } | null;
  /** Its moment is over. */
  endSaid: () => void;
}

export function useDeeds(labeling: Labeling, ways: Ways): Deeds {
  const { t } = useTranslation();
  const { project, open, page, locked, hint, offer, setOffer } = labeling;
  const { classes } = project;
  const { oneKey = false } = ways;
  const session = open?.state.session;
  const [said, setSaid] = useState<Deeds["said"]>(null);
  /** As it is after what was done just now. */
  const shown = (): Page | undefined => open?.desk.state().session.pages[0];
  const isFinished = (): boolean => ways.isFinished?.() ?? true;

  const sayChanged = (before: Page, now: Page): void => {
    const changed = now.items.filter(({ item_id: id }) => now.work[id] !== before.work[id]);
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
  const act = (event: SessionEvent): boolean => {
    if (!open) return false;
    if (locked && isChange(event)) {
      hint(t("label.locked"));
      return false;
    }
    const before = shown();
    hint("");
    open.desk.act(event);
    const now = shown();
    const changes = before && now && before.task.task_id === now.task.task_id;
    if (!changes || before.work === now.work) return true;
    if (event.type !== "explain") {
      setOffer(null);
      setSaid(null);
    }
    // What was drawn is said shape by shape, by who drew it.
    if (event.type !== "annotate" && event.type !== "confirm") sayChanged(before, now);
    return true;
  };

  const decide = (outcome: Outcome): void => {
    if (!session || !page || !isFinished()) return;
    const chosen = targets(session);
    // What a reviewer is asked is typed with the image before one's eyes.
    if (!act({ type: "decide", outcome, stays: outcome === "needs_review", at: clock() })) return;
    const work = shown()?.work;
    const itemIds = chosen
      .map((item) => item.item_id)
      .filter((id) => work?.[id]?.outcome === outcome);
    if (outcome === "labeled" || !itemIds.length) return;
    setOffer({ about: outcome, taskId: page.task.task_id, itemIds, typing: false });
    if (oneKey && outcome === "skipped") submitHeld(t("label.skipped"));
  };
  const skipPage = (): void => {
    const itemIds = page?.items.map((one) => one.item_id).filter((id) => !page.work[id]?.outcome);
    if (!page || !itemIds?.length || !act({ type: "skipPage", at: clock() })) return;
    setOffer({ about: "skipped", taskId: page.task.task_id, itemIds, typing: false });
  };
  const explain: Deeds["explain"] = (words) => {
    if (!open || !offer) return;
    // With one key for all, it is on its way already: it comes back for the reason, and leaves again.
    const left = oneKey && offer.about === "skipped";
    if (left) open.desk.back();
    const isShown = shown()?.task.task_id === offer.taskId;
    if (isShown) act({ type: "explain", itemIds: offer.itemIds, ...words, at: clock() });
    if (isShown && left) submitHeld(t("label.skipped"));
    closeOffer();
  };
  const closeOffer = (): void => {
    const asked = offer?.about === "needs_review";
    setOffer(null);
    if (asked) open?.desk.act({ type: "goOn" });
    if (oneKey && asked) submitHeld(t("label.asked"));
    focusSoon(ways.focusImages);
  };

  /** Takes the suggestions of the images that were looked at. */
  const accept = (): void => {
    if (locked) return;
    open?.desk.act({
      type: "accept",
      itemIds: ways.seen(),
      annotationId: newId("a"),
      at: clock(),
    });
  };
  /** Goes to an annotation of which something required is not said. False: there is none. */
  const showMissing = (now: Page): boolean => {
    for (const [index, item] of now.items.entries()) {
      const work = now.work[item.item_id];
      if (work?.outcome !== "labeled") continue;
      for (const one of work.annotations) {
        const missing = missingOf(one, attributesOf(classes, one.class_id));
        if (!missing) continue;
        ways.showMissing(one, index);
        const name = classes.find(({ class_id: id }) => id === one.class_id)?.name ?? "";
        hint(t("attributes.missing", { attribute: missing.name, name }));
        return true;
      }
    }
    return false;
  };
  const submit = (): void => {
    if (!open || !page || !isFinished()) return;
    if (locked) {
      hint(t("label.locked"));
      return;
    }
    if (!(ways.mayLeave?.() ?? true)) return;
    accept();
    const now = shown();
    if (!now || !decidedCount(now)) {
      hint(t("label.nothingToSubmit"));
      return;
    }
    if (showMissing(now)) return;
    for (const item of now.items) {
      const annotations = ways.mended(now.work[item.item_id]?.annotations ?? [], item);
      const { item_id: itemId } = item;
      if (annotations) open.desk.act({ type: "annotate", itemId, annotations, at: clock() });
    }
    open.desk.submit();
    setOffer(null);
    setSaid(null);
    const next = shown();
    announce(next ? t("label.saidPage", { images: next.items.length }) : t("label.saidSubmitted"));
  };
  const submitHeld = (words: string): void => {
    const now = shown();
    if (!open || !now || !decidedCount(now)) return;
    open.desk.submit({ holdMs: HOLD_MS });
    setSaid((before) => ({ words, times: (before?.times ?? 0) + 1 }));
    announce(t("label.saidQuick", { work: words }));
  };
  const submitOrGoOn = (): void => {
    if (!locked && !(ways.mayLeave?.() ?? true)) return;
    accept();
    const now = shown();
    if (!now) return;
    if (isComplete(now)) {
      submit();
      return;
    }
    act({ type: "nextOpen" });
    const words = t("label.stillOpen", { count: now.items.length - decidedCount(now) });
    // Where another image comes, eyes see that it goes on.
    if (now.items.length > 1) announce(words);
    else hint(words);
  };

  const undo = (held = false): void => {
    if (session?.past.length || open?.state.readOnly) act({ type: "undo" });
    else if (!held) open?.desk.back();
    setSaid(null);
    setOffer(null);
  };
  return {
    act,
    decide,
    skipPage,
    explain,
    closeOffer,
    submit,
    submitHeld,
    submitOrGoOn,
    undo,
    redo: () => void act({ type: "redo" }),
    said,
    endSaid: () => {
      setSaid(null);
      if (oneKey && offer?.about === "skipped" && !offer.typing) setOffer(null);
    },
  };
}

/** The deeds and dialogs of every labeling page, by their commands. */
export function deedCommands(labeling: Labeling, deeds: Deeds): Handlers {
  const { offer, setOffer } = labeling;
  return {
    skip: () => deeds.decide("skipped"),
    ask: () => deeds.decide("needs_review"),
    submit: deeds.submitOrGoOn,
    submitNow: deeds.submit,
    undo: (event) => deeds.undo(event.repeat),
    redo: deeds.redo,
    reason: ({ code }) => {
      if (offer?.about !== "skipped") return;
      const reason = skipReasons[Number(code.slice(-1)) - 1];
      if (reason) deeds.explain({ reason });
      else setOffer({ ...offer, typing: true });
    },
    instructions: labeling.showInstructions,
    help: () => labeling.setHelp(true),
  };
}

/** When something is decided, for the time that images take. */
export function clock(): number {
  return Date.now();
}

/** Only what is decided takes time, or is taken back. */
function isChange(event: SessionEvent): boolean {
  return "at" in event || event.type === "undo" || event.type === "redo";
}
