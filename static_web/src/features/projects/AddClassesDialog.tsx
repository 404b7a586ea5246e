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
  Radio,
  RadioGroup,
  Textarea,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import { classesQuery, progressQuery, projectQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { newClass, parseClasses } from "@/classes";
import { problemText } from "@/problems";

/** What becomes of what is labeled. */
const ways = ["continue", "start_over_keeping", "start_over_removing"] as const;
type Way = (typeof ways)[number];

const useStyles = makeStyles({
  textarea: { minHeight: "160px" },
  content: { display: "grid", gap: "12px" },
});

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
  const [way, setWay] = useState<Way>("continue");
  const { project_id: projectId } = project;
  const { names, faults } = parseClasses(text);
  const add = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/projects/{project_id}/classes", {
          params: { path: { project_id: projectId } },
          body: {
            classes: names.map(newClass),
            then: way,
          },
        }),
      ),
    onSuccess: async (list) => {
      queries.setQueryData(classesQuery(projectId).queryKey, list);
      await queries.invalidateQueries(projectQuery(projectId));
      await queries.invalidateQueries(progressQuery(projectId));
      onClose();
    },
  });
  const fault = faults[0];
  const problem = fault
    ? t(`new.faults.${fault.fault}`, { line: fault.line, text: fault.text })
    : add.error && problemText(add.error);
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{t("classes.addTitle")}</DialogTitle>
          <DialogContent className={styles.content}>
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
            <Field label={t("ways.title")} hint={t(`ways.${way}.text`)}>
              <RadioGroup value={way} onChange={(_, data) => setWay(data.value as Way)}>
                {ways.map((one) => (
                  <Radio key={one} value={one} label={t(`ways.${one}.name`)} />
                ))}
              </RadioGroup>
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
