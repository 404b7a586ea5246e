import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import type { Annotation, LabelClass } from "@/api/types";
import { useCommands } from "@/keys/keyboard";
import { useKey } from "@/keys/keyMap";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";

import { ClassChips } from "./ClassChips";
import { historyQuery, itemQuery } from "./queries";

const useStyles = makeStyles({
  heading: { margin: "0 0 6px", fontSize: "14px", lineHeight: "20px", fontWeight: 600 },
  list: { display: "grid", gap: "8px", margin: 0, padding: 0, listStyle: "none" },
  opinion: {
    display: "grid",
    gap: "6px",
    padding: "8px",
    borderRadius: "4px",
    border: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  shown: { outline: `2px solid ${tokens.colorBrandStroke1}` },
  key: { marginLeft: "8px", fontFamily: "inherit", fontSize: "12px", opacity: 0.75 },
  foot: { display: "flex", flexWrap: "wrap", gap: "8px" },
  problem: { color: tokens.colorStatusDangerForeground1, margin: "8px 0 0" },
});

const opinionsQuery = (projectId: string, itemId: string, revision: number) =>
  queryOptions({
    queryKey: ["opinions", projectId, itemId, revision],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/items/{item_id}/opinions", {
            params: { path: { project_id: projectId, item_id: itemId } },
          }),
        )
      ).items,
  });

interface Props {
  projectId: string;
  itemId: string;
  revision: number;
  /** A reviewer has to decide: a key takes an answer. */
  disputed: boolean;
  classes: readonly LabelClass[];
  /** Whose labels are drawn on the image; nobody's while those of the item are. */
  shown: string | null;
  onShow: (labeler: string | null, annotations: readonly Annotation[]) => void;
}

/** What each of several people said about an image, and taking one of them at their word. */
export function Opinions(props: Props): ReactNode {
  const { projectId, itemId, revision, disputed, classes, shown, onShow } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const opinions = useQuery(opinionsQuery(projectId, itemId, revision)).data ?? [];
  const take = useMutation({
    mutationFn: (labeler: string) =>
      unwrap(
        api.POST("/api/projects/{project_id}/items/{item_id}/resolve", {
          params: { path: { project_id: projectId, item_id: itemId } },
          body: { labeler, revision },
        }),
      ),
    onSuccess: ({ status }) => {
      announce(status === "done" ? t("quality.taken") : t(`data.left.${status}`, { count: 1 }));
      onShow(null, []);
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries(itemQuery(projectId, itemId)),
        queries.invalidateQueries({
          queryKey: historyQuery(projectId, itemId, revision).queryKey.slice(0, 3),
        }),
      ]),
  });
  const hasKeys = Boolean(useKey("takeAnswer").name) && disputed;
  useCommands(
    "review",
    {
      takeAnswer: ({ code }) => {
        const one = opinions[Number(code.at(-1)) - 1];
        if (one && !take.isPending) take.mutate(one.labeler);
      },
    },
    disputed && opinions.length > 1,
  );
  if (opinions.length < 2) return null;
  return (
    <div>
      <h3 className={styles.heading}>{t("quality.opinions")}</h3>
      <ul className={styles.list}>
        {opinions.map((one, at) => {
          const name = one.name || one.labeler;
          const isShown = shown === one.labeler;
          return (
            <li key={one.labeler} className={mergeClasses(styles.opinion, isShown && styles.shown)}>
              <span>{t(`quality.said.${one.outcome}`, { name })}</span>
              {one.note && <span>{t("data.quoted", { text: one.note })}</span>}
              {one.annotations.length > 0 && (
                <ClassChips
                  ids={[...new Set(one.annotations.map((each) => each.class_id))]}
                  classes={classes}
                />
              )}
              <div className={styles.foot}>
                <Button
                  size="small"
                  aria-pressed={isShown}
                  onClick={() => onShow(isShown ? null : one.labeler, one.annotations)}
                >
                  {t("quality.show", { name })}
                </Button>
                <Button
                  size="small"
                  appearance="primary"
                  disabledFocusable={take.isPending}
                  aria-keyshortcuts={hasKeys ? `${at + 1}` : undefined}
                  onClick={() => take.mutate(one.labeler)}
                >
                  {t("quality.take", { name })}
                  {hasKeys && (
                    <kbd className={styles.key} aria-hidden>
                      {at + 1}
                    </kbd>
                  )}
                </Button>
              </div>
            </li>
          );
        })}
      </ul>
      {take.isError && (
        <p role="alert" className={styles.problem}>
          {problemText(take.error)}
        </p>
      )}
    </div>
  );
}
