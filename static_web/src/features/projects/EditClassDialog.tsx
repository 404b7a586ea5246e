import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Select,
  Switch,
  Textarea,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, ApiError, unwrap } from "@/api/client";
import { classesQuery, projectQuery } from "@/api/queries";
import type { Attribute, ClassList } from "@/api/types";
import { ClassMark } from "@/ui/ClassMark";

import { AttributesField, tidy } from "./AttributesField";
import { ColourChoice } from "./ColourChoice";
import { ExamplePicker, type Example } from "./ExamplePicker";
import { MergeClass } from "./MergeClass";

const useStyles = makeStyles({
  surface: { maxWidth: "min(720px, 100vw - 32px)" },
  title: { display: "flex", alignItems: "center", gap: "10px" },
  form: { display: "grid", gap: "16px" },
  description: { minHeight: "80px" },
});

interface Props {
  projectId: string;
  list: ClassList;
  /** Place of the class in the list as it is now. */
  index: number;
  onClose: () => void;
}

interface Values {
  name: string;
  description: string;
  examples: Example[];
  attributes: readonly Attribute[];
  /** Its place in the list, from 1. */
  position: number;
  colour: number;
  retired: boolean;
}

/** A class's name, what it means, and images that show it. */
export function EditClassDialog({ projectId, list, index, onClose }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const now = list.items[index];
  // What the changes are made to: saved only on top of that, so that nobody's work is overwritten unseen.
  const [base, setBase] = useState({
    version: list.classes_version,
    one: now,
    position: index + 1,
  });
  const [values, setValues] = useState<Values>(() => ({
    name: now?.name ?? "",
    description: now?.description ?? "",
    examples: now?.examples ?? [],
    attributes: now?.attributes ?? [],
    position: index + 1,
    colour: now?.colour ?? 0,
    retired: now?.retired ?? false,
  }));
  const [overtaken, setOvertaken] = useState(false);
  const save = useMutation({
    mutationFn: () => {
      const examples = values.examples.map(({ path }) => path);
      const before = base.one?.examples.map(({ path }) => path) ?? [];
      return unwrap(
        api.PATCH("/api/projects/{project_id}/classes/{class_id}", {
          params: { path: { project_id: projectId, class_id: base.one?.class_id ?? "" } },
          headers: { "If-Match": `"${base.version}"` },
          body: {
            name: values.name === base.one?.name ? null : values.name,
            description: values.description === base.one?.description ? null : values.description,
            examples: examples.join("\n") === before.join("\n") ? null : examples,
            attributes: values.attributes === base.one?.attributes ? null : tidy(values.attributes),
            position: values.position === base.position ? null : values.position,
            colour: values.colour === base.one?.colour ? null : values.colour,
            retired: values.retired === base.one?.retired ? null : values.retired,
          },
        }),
      );
    },
    onSuccess: async (saved) => {
      queries.setQueryData(classesQuery(projectId).queryKey, saved);
      await queries.invalidateQueries(projectQuery(projectId));
      onClose();
    },
    onError: async (error) => {
      if (!(error instanceof ApiError) || error.status !== 412) return;
      const fresh = await queries.query({ ...classesQuery(projectId), staleTime: 0 });
      const one = fresh.items.find(({ class_id }) => class_id === base.one?.class_id);
      const position = one ? fresh.items.indexOf(one) + 1 : base.position;
      // What I have not touched is as it is now; the rest is mine still.
      setValues((mine) => ({
        name: mine.name === base.one?.name ? (one?.name ?? "") : mine.name,
        description:
          mine.description === base.one?.description ? (one?.description ?? "") : mine.description,
        examples: mine.examples === base.one?.examples ? (one?.examples ?? []) : mine.examples,
        attributes:
          mine.attributes === base.one?.attributes ? (one?.attributes ?? []) : mine.attributes,
        position: mine.position === base.position ? position : mine.position,
        colour: mine.colour === base.one?.colour ? (one?.colour ?? 0) : mine.colour,
        retired: mine.retired === base.one?.retired ? (one?.retired ?? false) : mine.retired,
      }));
      setBase({ version: fresh.classes_version, one, position });
      setOvertaken(true);
    },
  });
  const error = save.error instanceof ApiError && save.error.status !== 412 ? save.error : null;
  const faultAt = (pointer: string) =>
    error?.faults.find((one) => one.pointer.startsWith(pointer))?.detail;
  const name = values.name.trim() ? faultAt("/name") : t("classes.nameMissing");
  const description = faultAt("/description");
  const examples = faultAt("/examples");
  const attributes = faultAt("/attributes");
  const other = error && !name && !description && !examples && !attributes;
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface className={styles.surface}>
        <DialogBody>
          <DialogTitle>
            <span className={styles.title}>
              <ClassMark colour={values.colour} size={14} />
              {t("classes.edit", { name: base.one?.name ?? "" })}
            </span>
          </DialogTitle>
          <DialogContent>
            <div className={styles.form}>
              {overtaken && (
                <MessageBar intent="warning" layout="multiline">
                  <MessageBarBody>
                    {t("classes.overtaken", {
                      name: base.one?.name ?? "",
                      description: base.one?.description || "–",
                    })}
                  </MessageBarBody>
                </MessageBar>
              )}
              {other && (
                <MessageBar intent="error" layout="multiline">
                  <MessageBarBody>
                    {error.status ? error.message : t("error.unreachableText")}
                  </MessageBarBody>
                </MessageBar>
              )}
              <Field
                label={t("classes.name")}
                hint={t("classes.nameHint")}
                {...(name && { validationMessage: name })}
              >
                <Input
                  value={values.name}
                  maxLength={200}
                  onChange={(_, data) => setValues({ ...values, name: data.value })}
                />
              </Field>
              <Field
                label={t("classes.description")}
                hint={t("classes.descriptionHint")}
                {...(description && { validationMessage: description })}
              >
                <Textarea
                  textarea={{ className: styles.description }}
                  resize="vertical"
                  maxLength={2000}
                  value={values.description}
                  onChange={(_, data) => setValues({ ...values, description: data.value })}
                />
              </Field>
              <Field label={t("classes.position")} hint={t("classes.positionHint")}>
                <Select
                  value={values.position}
                  onChange={(_, data) => setValues({ ...values, position: Number(data.value) })}
                >
                  {list.items.map((one, at) => (
                    <option key={one.class_id} value={at + 1}>
                      {at + 1}
                    </option>
                  ))}
                </Select>
              </Field>
              <ColourChoice
                colour={values.colour}
                others={list.items.filter((one) => one.class_id !== base.one?.class_id)}
                onChange={(colour) => setValues({ ...values, colour })}
              />
              <Field hint={t("classes.retiredHint")}>
                <Switch
                  label={t("classes.offered")}
                  checked={!values.retired}
                  onChange={(_, data) => setValues({ ...values, retired: !data.checked })}
                />
              </Field>
              <AttributesField
                attributes={values.attributes}
                problem={attributes}
                onChange={(chosen) => setValues({ ...values, attributes: chosen })}
              />
              <ExamplePicker
                projectId={projectId}
                examples={values.examples}
                problem={examples}
                onChange={(chosen) => setValues({ ...values, examples: chosen })}
              />
              <MergeClass
                projectId={projectId}
                classId={base.one?.class_id ?? ""}
                list={list}
                onMerged={onClose}
              />
            </div>
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>{t("new.cancel")}</Button>
            <Button
              appearance="primary"
              disabledFocusable={!values.name.trim() || save.isPending}
              onClick={() => save.mutate()}
            >
              {t("classes.save")}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
