import { makeStyles, tokens, ToggleButton, Tooltip } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AnnotatorHandle } from "@/annotate/Annotator";
import { CHANGING, type ToolId } from "@/annotate/tools/tools";
import { CommandButton } from "@/keys/CommandButton";
import type { CommandId } from "@/keys/commands";
import { useKey } from "@/keys/keyMap";
import { Icon, type IconName } from "@/ui/Icon";

import { outlineCommands, type ToolCommand } from "./drawing";

const useStyles = makeStyles({
  bar: {
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    gap: "2px",
    paddingBlock: "6px",
    minHeight: 0,
    height: "100%",
    boxSizing: "border-box",
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
  // What comes and goes with the selection moves nothing.
  end: { flex: "1 0 0" },
});

interface Props {
  tools: readonly ToolCommand[];
  tool: ToolId;
  /** Shapes on the image that is shown, how many of them are polygons, and how many are selected. */
  shapes: number;
  polygons: number;
  selected: number;
  /** Shapes can't be changed just now. */
  closed: boolean;
  /** Lays the selected shape to what it is about; null: no model does. */
  onFit: (() => void) | null;
  fitting: boolean;
  onTool: (tool: ToolId) => void;
  onLock: () => void;
  /** Changes shapes. */
  onEdit: (run: (editor: AnnotatorHandle) => void) => void;
  /** Moves the view. */
  onLook: (run: (editor: AnnotatorHandle) => void) => void;
  /** What is chosen of how the image looks. */
  children: ReactNode;
}

/** The tools, what can be done with what is selected, and the view: only what means something just now. */
export function Toolbar(props: Props): ReactNode {
  const { tools, tool, polygons, selected, closed, onEdit, onLook } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const buttons = (some: readonly ToolCommand[]) =>
    some.map((one) => (
      <ToolButton
        key={one.id}
        command={one}
        on={tool === one.tool}
        onChoose={() => props.onTool(one.tool)}
      />
    ));
  const command = (
    id: CommandId & IconName,
    run: () => void,
    icon: IconName = id,
    disabled = closed,
  ) => <CommandButton key={id} id={id} icon={icon} iconOnly disabled={disabled} onClick={run} />;
  const changing = tools.filter((one) => CHANGING.has(one.tool));
  return (
    <div role="toolbar" aria-label={t("canvas.tools")} className={styles.bar}>
      {buttons(tools.filter((one) => !CHANGING.has(one.tool)))}
      {changing.length > 0 && (polygons > 0 || CHANGING.has(tool)) && (
        <>
          <span className={styles.line} />
          {buttons(changing)}
        </>
      )}
      {props.shapes > 0 && (
        <>
          <span className={styles.line} />
          <CommandButton id="lock" icon="lock" iconOnly onClick={props.onLock} />
        </>
      )}
      {selected > 0 && (
        <>
          {command("duplicate", () => onEdit((it) => it.duplicate()))}
          {props.onFit && selected === 1 && (
            <CommandButton
              id="fitShape"
              icon="fitShape"
              iconOnly
              disabled={closed || props.fitting}
              onClick={props.onFit}
            />
          )}
          {outlineCommands
            .filter((id) => polygons > 0 && (selected > 1 || !NEEDS_TWO.has(id)))
            .map((id) => command(id, () => onEdit((it) => it[id]())))}
          <CommandButton
            id="deleteShape"
            icon="trash"
            iconOnly
            disabled={closed}
            onClick={() => onEdit((it) => it.deleteSelected())}
          />
          {command("zoomToShape", () => onLook((it) => it.zoomToSelection()), "zoomToShape", false)}
        </>
      )}
      <span className={styles.end} />
      <span className={styles.line} />
      {command("rotateLeft", () => onLook((it) => it.turn(-1)), "rotateLeft", false)}
      {command("rotateRight", () => onLook((it) => it.turn(1)), "rotateRight", false)}
      {props.children}
    </div>
  );
}

const NEEDS_TWO: ReadonlySet<string> = new Set(["merge", "subtract"]);

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
