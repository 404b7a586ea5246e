import {
  Button,
  Field,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  Select,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import { classesQuery, projectQuery, sweepsQuery } from "@/api/queries";
import type { ClassList } from "@/api/types";
import { offeredClasses } from "@/classes";
import { problemText } from "@/problems";

interface Props {
  projectId: string;
  classId: string;
  list: ClassList;
  onMerged: () => void;
}

/** Makes a class another: all of its labels follow. */
export function MergeClass({ projectId, classId, list, onMerged }: Props): ReactNode {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [into, setInto] = useState("");
  const others = offeredClasses(list.items).filter((one) => one.class_id !== classId);
  const nameOf = (id: string) => list.items.find((one) => one.class_id === id)?.name ?? "";
  const merge = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/projects/{project_id}/classes/{class_id}/merge", {
          params: { path: { project_id: projectId, class_id: classId } },
          headers: { "If-Match": `"${list.classes_version}"` },
          body: { into },
        }),
      ),
    onSuccess: async (saved) => {
      queries.setQueryData(classesQuery(projectId).queryKey, saved);
      await queries.invalidateQueries(projectQuery(projectId));
      await queries.invalidateQueries(sweepsQuery(projectId));
      onMerged();
    },
  });
  if (!others.length) return null;
  return (
    <>
      <Field
        label={t("classes.merge")}
        {...(merge.error && { validationMessage: problemText(merge.error) })}
      >
        <Select value={into} onChange={(_, data) => setInto(data.value)}>
          <option value="">{t("classes.mergeNone")}</option>
          {others.map((one) => (
            <option key={one.class_id} value={one.class_id}>
              {one.name}
            </option>
          ))}
        </Select>
      </Field>
      {into && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            {t("classes.mergeText", { from: nameOf(classId), into: nameOf(into) })}
          </MessageBarBody>
          <MessageBarActions>
            <Button disabledFocusable={merge.isPending} onClick={() => merge.mutate()}>
              {t("classes.mergeNow", { into: nameOf(into) })}
            </Button>
          </MessageBarActions>
        </MessageBar>
      )}
    </>
  );
}
