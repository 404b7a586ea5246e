/**
 * The drawing editor for boxes and polygons on one image.
 *
 * It is controlled: `annotations` come in as an array that nobody changes in place, and every finished
 * gesture or command answers with one `onChange(next, change)`. The owner keeps the history: an entry
 * for each call, except that `change.what === "nudge"` on the same ids may be joined to the one before.
 * Undo is the owner's business too, after `undo()` said that no draft was there to take a point from:
 *
 *     undo: () => editor.current?.undo() || session.undo()
 *     submit (Enter): () => editor.current?.enter() || session.submit()
 *     Escape: () => editor.current?.escape() || leave()
 *
 * - It binds no keys: bind them by `commands.ts` and call the handle in `ref`. Held keys (Space to pan,
 *   H to hide) call `hold(what, event.code)` on keydown; it ends by itself when that key is released.
 * - `tool`, `selection` and `activeClassId` are the owner's and stay until it changes them, so that tool
 *   and class are sticky. Changing the class while something is drawn changes the draft. Changing the
 *   tool or `item.item_id` gives the draft up.
 * - `locked` holds ids that cannot be changed. For a lock on all that exists, but not on what is new,
 *   pass the ids there were when the lock was set.
 * - `suggestions` says which annotations began as a suggestion: dashed with a confidence until `touched`.
 *   Pass the same map while nothing in it changes: another one paints everything anew.
 * - `onNotice` tells what no change tells (refusals, points of a draft, outlines that cross themselves),
 *   to be put into words and announced; `onChange` and `onSelect` are to be announced as well. The list
 *   of shapes beside the editor is the accessible view of them; the editor is `role="application"`.
 * - `onDraft` tells the outline that is being drawn, for the owner to keep over a reload and pass as `kept`.
 * - New links in `item.images` for the same `item_id` change nothing that is shown.
 *
 * Modifiers while drawing: Shift and drag draws a polygon by hand; with Alt held at its first point a
 * polygon is cut from the selected one (within it: a hole), with Ctrl it is added to it. Alt ignores the
 * handles of the selected box. In `points`, Alt and a click removes a point.
 */
import { makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useImperativeHandle, useMemo, useRef, type ReactNode, type Ref } from "react";
import { useTranslation } from "react-i18next";

import { formatPercent } from "@/format";

import { createEditor, type Editor, type EditorCommands, type EditorProps } from "./editor";

export type AnnotatorHandle = EditorCommands;

export interface AnnotatorProps extends Omit<EditorProps, "percent"> {
  ref?: Ref<AnnotatorHandle>;
  /** What the drawing area is called, with the image's name. */
  label: string;
  /** The id of an element that says how it is used by the keyboard. */
  describedBy?: string;
}

const useStyles = makeStyles({
  stage: {
    position: "relative",
    width: "100%",
    height: "100%",
    overflow: "hidden",
    touchAction: "none",
    userSelect: "none",
    // Nobody else paints in here, and nothing in here changes the layout of the page.
    contain: "strict",
    outlineStyle: "none",
    ":focus-visible::after": {
      content: '""',
      position: "absolute",
      inset: 0,
      pointerEvents: "none",
      boxShadow: `inset 0 0 0 2px ${tokens.colorStrokeFocus2}, inset 0 0 0 3px ${tokens.colorStrokeFocus1}`,
    },
  },
});

export function Annotator({ ref, label, describedBy, ...props }: AnnotatorProps): ReactNode {
  const styles = useStyles();
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>(null);
  const language = useTranslation().i18n.language;
  const percent = useMemo(() => (share: number) => formatPercent(share, language), [language]);
  const latest = useRef<EditorProps>({ ...props, percent });

  useEffect(() => {
    if (!host.current) return;
    const made = createEditor(host.current, latest.current);
    editor.current = made;
    return () => {
      editor.current = null;
      made.destroy();
    };
  }, []);
  useEffect(() => {
    latest.current = { ...props, percent };
    editor.current?.update(latest.current);
  });
  useImperativeHandle(ref, () => delegate(() => editor.current?.commands));

  return (
    <div
      ref={host}
      className={styles.stage}
      role="application"
      aria-label={label}
      aria-describedby={describedBy}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- an application takes keys
      tabIndex={0}
    />
  );
}

/** A handle that lasts as long as the component, whichever editor is behind it. */
function delegate(commands: () => EditorCommands | undefined): AnnotatorHandle {
  return {
    focus: () => commands()?.focus(),
    fit: () => commands()?.fit(),
    zoomBy: (factor) => commands()?.zoomBy(factor),
    zoomToSelection: () => commands()?.zoomToSelection(),
    turn: (quarters) => commands()?.turn(quarters),
    hold: (what, code) => commands()?.hold(what, code),
    inView: () => commands()?.inView() ?? [],
    pixelAt: (event) => commands()?.pixelAt(event) ?? null,
    isDrafting: () => commands()?.isDrafting() ?? false,
    enter: () => commands()?.enter() ?? false,
    finish: () => commands()?.finish(),
    escape: () => commands()?.escape() ?? false,
    takeBack: () => commands()?.takeBack() ?? false,
    undo: () => commands()?.undo() ?? false,
    arrow: (direction, how) => commands()?.arrow(direction, how),
    cycle: (by) => commands()?.cycle(by),
    selectAll: () => commands()?.selectAll(),
    deleteSelected: () => commands()?.deleteSelected(),
    deleteAll: () => commands()?.deleteAll(),
    copy: () => commands()?.copy(),
    paste: () => commands()?.paste(),
    duplicate: () => commands()?.duplicate(),
    classify: (classId) => commands()?.classify(classId),
    merge: () => commands()?.merge(),
    subtract: () => commands()?.subtract(),
    simplify: () => commands()?.simplify(),
    untangle: () => commands()?.untangle(),
  };
}
