import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { formatsQuery } from "@/api/queries";
import type { Export } from "@/api/types";
import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";

import { underWayQuery } from "./queries";

const useStyles = makeStyles({ bar: { marginBottom: "12px" } });

/** Says on whichever page of the project one is that an export is ready, or why it was not made. */
export function ExportNotice({ projectId }: { projectId: string }): ReactNode {
  const exports = useQuery(underWayQuery(projectId)).data ?? [];
  const [waited, setWaited] = useState<ReadonlySet<string>>(new Set());
  const [read, setRead] = useState<ReadonlySet<string>>(new Set());
  const fresh = exports.filter((one) => one.state === "waiting" && !waited.has(one.export_id));
  if (fresh.length) setWaited(new Set([...waited, ...fresh.map((one) => one.export_id)]));
  return exports
    .filter((one) => one.state !== "waiting" && waited.has(one.export_id))
    .filter((one) => !read.has(one.export_id))
    .map((one) => (
      <Notice
        key={one.export_id}
        projectId={projectId}
        one={one}
        onRead={() => setRead(new Set([...read, one.export_id]))}
      />
    ));
}

interface Props {
  projectId: string;
  one: Export;
  onRead: () => void;
}

function Notice({ projectId, one, onRead }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  const formats = useQuery(formatsQuery).data;
  const name = one.name || (formats?.find((each) => each.name === one.format)?.title ?? one.format);
  const said =
    one.state === "done"
      ? t("exports.ready", { name, count: one.exported })
      : t("exports.notMade", { name, detail: one.problem });
  useEffect(() => announce(said), [said]);
  return (
    <MessageBar
      intent={one.state === "done" ? "success" : "error"}
      layout="multiline"
      className={styles.bar}
    >
      <MessageBarBody>{said}</MessageBarBody>
      <MessageBarActions
        containerAction={
          <Button
            appearance="transparent"
            icon={<Icon name="clear" />}
            aria-label={t("exports.dismiss")}
            onClick={onRead}
          />
        }
      >
        <Button
          onClick={() => {
            onRead();
            navigate(`/projects/${projectId}`);
          }}
        >
          {t("exports.show")}
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}
