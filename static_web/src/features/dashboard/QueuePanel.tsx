import { makeStyles } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Progress } from "@/api/types";
import { Panel } from "@/ui/Panel";

import { Count } from "./Count";
import { imagesOf } from "./links";

/** The queues of the API by the kind of page they give: see `labeling/layout.py`. */
const queues = {
  manual: ["1", "6", "9"],
  clustered: ["4"],
  prelabeled: ["2"],
  returned: ["returned"],
} as const;
const kinds = ["manual", "clustered", "prelabeled", "returned"] as const;

const useStyles = makeStyles({
  list: { display: "flex", flexWrap: "wrap", gap: "8px 32px", margin: 0 },
  entry: { display: "flex", alignItems: "center", gap: "8px" },
  value: { margin: 0 },
});

interface Props {
  projectId: string;
  progress: Progress | undefined;
}

/** What waits, by the way it will be handed out. */
export function QueuePanel({ projectId, progress }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <Panel title={t("dashboard.queue")}>
      <dl className={styles.list}>
        {kinds.map((kind) => {
          const name = kind === "returned" ? t("dashboard.returned") : t(`kinds.${kind}`);
          return (
            <div key={kind} className={styles.entry}>
              <dt>{name}</dt>
              <dd className={styles.value}>
                <Count
                  count={
                    progress &&
                    queues[kind].reduce((sum, queue) => sum + (progress.queues[queue] ?? 0), 0)
                  }
                  name={name}
                  href={imagesOf(projectId, {
                    state: "available",
                    ...(kind === "returned" ? { returned: "same_labeler" } : { kind }),
                  })}
                  testId={`queue-${kind}`}
                />
              </dd>
            </div>
          );
        })}
      </dl>
    </Panel>
  );
}
