/** Lays what is selected to the thing it is about, by the project's model. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { boundsOf, boxOf, shapeOf } from "@/annotate/geometry";
import { api, ApiError, unwrap } from "@/api/client";
import type { Annotation } from "@/api/types";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";

import { shapesOf } from "../session/session";
import { clock, type Deeds } from "../useDeeds";
import type { Labeling } from "../useLabeling";
import type { OnImage } from "./useOnImage";

export interface Fit {
  /** Whether an answer is waited for. */
  fitting: boolean;
  /** Asks about the shape that is selected, or says why not. */
  fitSelected: () => void;
}

const CONFLICT = 409;

export function useFit(
  { project, open, page, locked, hint }: Labeling,
  { itemId, frame, shapes, selection, locks }: OnImage,
  act: Deeds["act"],
): Fit {
  const { t } = useTranslation();
  const [fitting, setFitting] = useState(false);
  /** Takes what was found, unless the shape was changed meanwhile. */
  const take = (asked: Annotation, geometry: Annotation["geometry"]): void => {
    if (itemId === undefined) return;
    const now = open?.desk.state().session.pages[0]?.work[itemId];
    const all = now ? shapesOf(now) : [];
    const is = all.find((one) => one.annotation_id === asked.annotation_id);
    if (is?.geometry !== asked.geometry) return;
    const annotations = all.map((one) => (one === is ? { ...one, geometry } : one));
    if (act({ type: "annotate", itemId, annotations, at: clock() })) announce(t("canvas.fit.done"));
  };
  const fit = async (asked: Annotation): Promise<void> => {
    const shape = shapeOf(asked);
    if (!shape || itemId === undefined || fitting) return;
    setFitting(true);
    try {
      const { geometry } = await unwrap(
        api.POST("/api/projects/{project_id}/fit", {
          params: { path: { project_id: project.project_id } },
          body: {
            item_id: itemId,
            task_id: page?.task.task_id ?? null,
            box: boxOf(boundsOf(shape)),
          },
        }),
      );
      if (geometry) take(asked, geometry);
      else hint(t("canvas.fit.nothing"));
    } catch (error) {
      const none = error instanceof ApiError && error.status === CONFLICT;
      hint(none ? t("canvas.fit.noModel") : problemText(error));
    } finally {
      setFitting(false);
    }
  };
  const fitSelected = (): void => {
    const [chosen, other] = shapes.filter((one) => selection.includes(one.annotation_id));
    if (!chosen || other) hint(t("canvas.fit.one"));
    else if (locked) hint(t("label.locked"));
    else if (locks.has(chosen.annotation_id)) hint(t("canvas.refused.locked"));
    else if (frame) hint(t("canvas.fit.firstFrame"));
    else void fit(chosen);
  };
  return { fitting, fitSelected };
}
