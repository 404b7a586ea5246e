import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  makeStyles,
  Textarea,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, ApiError, unwrap } from "@/api/client";
import { classesQuery, projectQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { parseClasses } from "@/classes";

const useStyles = makeStyles({ textarea: { minHeight: "160px" } });

interface Props {
  project: Project;
  onClose: () => void;
}

/** More classes, one a line; what is labeled stays as it is. */
export function AddClassesDialog({ project, onClose }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const { project_id: projectId } = project;
  const { names, faults } = parseClasses(text);
  const add = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/projects/{project_id}/classes", {
          params: { path: { project_id: projectId } },
          body: {
            classes: names.map((name) => ({ name, description: "", examples: [] })),
            then: "continue",
          },
        }),
      ),
    onSuccess: async (list) => {
      queries.setQueryData(classesQuery(projectId).queryKey, list);
      await queries.invalidateQueries(projectQuery(projectId));
      onClose();
    },
  });
  const fault = faults[0];
  const problem = fault
    ? t(`new.faults.${fault.fault}`, { line: fault.line, text: fault.text })
    : add.error &&
      (add.error instanceof ApiError && add.error.status
        ? add.error.message
        : t("error.unreachableText"));
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{t("classes.addTitle")}</DialogTitle>
          <DialogContent>
            <Field
              label={t("new.classesLabel")}
              hint={t("classes.addHint")}
              {...(problem && { validationMessage: problem })}
            >
              <Textarea
                textarea={{ className: styles.textarea }}
                resize="vertical"
                value={text}
                onChange={(_, data) => setText(data.value)}
              />
            </Field>
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>{t("new.cancel")}</Button>
            <Button
              appearance="primary"
              disabledFocusable={!names.length || faults.length > 0 || add.isPending}
              onClick={() => add.mutate()}
            >
              {t("classes.add")}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
