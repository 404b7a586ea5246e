import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import type { Annotation, LabelClass, Opinion } from "@/api/types";
import { formatNumber } from "@/format";
import { useCommands } from "@/keys/keyboard";
import { useKey } from "@/keys/keyMap";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";

import { AnswerLine } from "./Answers";
import { ClassChips } from "./ClassChips";
import { MergeDialog } from "./MergeDialog";
import { historyQuery, itemQuery, opinionsQuery } from "./queries";

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
  number: { fontWeight: 600 },
  part: { fontSize: "12px", lineHeight: "16px", color: tokens.colorNeutralForeground3 },
  key: {
    marginLeft: "8px",
    fontFamily: "inherit",
    fontSize: "12px",
    opacity: 0.75,
    "@media (hover: none)": { display: "none" },
  },
  foot: { display: "flex", flexWrap: "wrap", gap: "8px" },
  button: { "@media (pointer: coarse)": { minHeight: "44px" } },
  merge: { marginTop: "8px" },
  quiet: { color: tokens.colorNeutralForeground3, margin: "4px 0 0" },
  problem: { color: tokens.colorStatusDangerForeground1, margin: "8px 0 0" },
});

interface Props {
  projectId: string;
  itemId: string;
  revision: number;
  /** A reviewer has to decide: a key takes an answer, or merges them. */
  disputed: boolean;
  classes: readonly LabelClass[];
  /** Whose labels are drawn on the image; nobody's while those of the item are. */
  shown: string | null;
  onShow: (labeler: string | null, annotations: readonly Annotation[]) => void;
  /** The image with these labels. */
  draw: (annotations: readonly Annotation[]) => ReactNode;
  /** It was decided what the labels are. */
  onDecided: () => void;
}

/** What each of several people said about an image, and taking one of them at their word. */
export function Opinions(props: Props): ReactNode {
  const { projectId, itemId, revision, disputed, classes, shown, onShow, draw, onDecided } = props;
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const said = useQuery(opinionsQuery(projectId, itemId, revision)).data;
  const opinions = said?.items ?? [];
  const merged = said?.merged ?? null;
  const [merging, setMerging] = useState(false);
  const take = useMutation({
    /** Null: what most said alike. */
    mutationFn: (labeler: string | null) =>
      unwrap(
        api.POST("/api/projects/{project_id}/items/{item_id}/resolve", {
          params: { path: { project_id: projectId, item_id: itemId } },
          body: { labeler, merge: labeler === null, revision },
        }),
      ),
    onSuccess: ({ status }) => {
      announce(status === "done" ? t("quality.taken") : t(`data.left.${status}`, { count: 1 }));
      onShow(null, []);
      setMerging(false);
      if (status === "done") onDecided();
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
  const mergeKey = useKey("mergeAnswers");
  const merge = () => {
    take.reset();
    if (merged) setMerging(true);
    else announce(t("quality.merge.nothing"));
  };
  useCommands(
    "review",
    {
      mergeAnswers: merge,
      takeAnswer: ({ code }) => {
        const one = opinions[Number(code.at(-1)) - 1];
        if (one && !take.isPending) take.mutate(one.labeler);
      },
    },
    disputed && opinions.length > 1,
  );
  if (opinions.length < 2) return null;
  const hasShapes = opinions.some((one) =>
    one.annotations.some(({ geometry }) => geometry.kind !== "tag"),
  );
  const worded = (value: Annotation["attributes"][string]) =>
    typeof value === "boolean"
      ? t(value ? "attributes.yes" : "attributes.no")
      : typeof value === "number"
        ? formatNumber(value, i18n.language)
        : value;
  /** Annotations of a class and with attributes, and how many there are. */
  const grouped = (annotations: readonly Annotation[]) => {
    const groups = new Map<string, { id: string; details: string; count: number }>();
    for (const { class_id: id, attributes } of annotations) {
      const details = Object.entries(attributes)
        .map(([name, value]) => `${name}: ${worded(value)}`)
        .sort()
        .join(", ");
      const key = `${id} ${details}`;
      const before = groups.get(key)?.count ?? 0;
      groups.set(key, { id, details, count: before + 1 });
    }
    return [...groups.values()].map(({ id, details, count }) => ({
      id,
      note: [count > 1 && `×${formatNumber(count, i18n.language)}`, details]
        .filter(Boolean)
        .join(" "),
    }));
  };
  return (
    <div>
      <h3 className={styles.heading}>{t("quality.opinions")}</h3>
      <ul className={styles.list}>
        {opinions.map((one, at) => {
          const name = one.name || one.labeler;
          const isShown = shown === one.labeler;
          return (
            <li key={one.labeler} className={mergeClasses(styles.opinion, isShown && styles.shown)}>
              <span>
                {disputed && <span className={styles.number}>{at + 1}</span>}{" "}
                {disputed && hasShapes && <AnswerLine place={at} />}
                {t(`quality.said.${one.outcome}`, { name })}
              </span>
              {one.note && <span>{t("data.quoted", { text: one.note })}</span>}
              {(["differs", "same"] as const).map((part) => {
                const said = grouped(partOf(one, part));
                return said.length ? (
                  <div key={part}>
                    <span className={styles.part}>{t(`quality.${part}`)}</span>
                    <ClassChips
                      ids={said.map(({ id }) => id)}
                      notes={said.map(({ note }) => note)}
                      classes={classes}
                    />
                  </div>
                ) : null;
              })}
              {one.outcome === "labeled" && one.annotations.length === 0 && (
                <span className={styles.part}>{t("label.nothing")}</span>
              )}
              <div className={styles.foot}>
                {hasShapes && (
                  <Button
                    size="small"
                    className={styles.button}
                    aria-pressed={isShown}
                    aria-label={t("quality.show", { name })}
                    onClick={() => onShow(isShown ? null : one.labeler, one.annotations)}
                  >
                    {t("quality.showShort")}
                  </Button>
                )}
                <Button
                  size="small"
                  className={styles.button}
                  appearance="primary"
                  disabledFocusable={take.isPending}
                  aria-label={t("quality.take", { name })}
                  aria-keyshortcuts={hasKeys ? `${at + 1}` : undefined}
                  onClick={() => take.mutate(one.labeler)}
                >
                  {t("quality.takeShort")}
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
      {disputed && (
        <>
          <Button
            size="small"
            className={mergeClasses(styles.button, styles.merge)}
            icon={<Icon name="merge" size={16} />}
            disabledFocusable={!merged}
            aria-keyshortcuts={mergeKey.aria}
            onClick={merge}
          >
            {t("quality.merge.title")}
            {mergeKey.name && (
              <kbd className={styles.key} aria-hidden>
                {mergeKey.name}
              </kbd>
            )}
          </Button>
          {!merged && <p className={styles.quiet}>{t("quality.merge.nothing")}</p>}
        </>
      )}
      {merging && merged && (
        <MergeDialog
          merged={merged}
          classes={classes}
          busy={take.isPending}
          problem={take.isError ? problemText(take.error) : ""}
          draw={draw}
          onMerge={() => take.mutate(null)}
          onClose={() => setMerging(false)}
        />
      )}
      {take.isError && !merging && (
        <p role="alert" className={styles.problem}>
          {problemText(take.error)}
        </p>
      )}
    </div>
  );
}

/** What somebody said alone, or what all others said too. */
function partOf({ annotations, shared }: Opinion, part: "differs" | "same"): Annotation[] {
  return annotations.filter((one) => shared.includes(one.annotation_id) === (part === "same"));
}
