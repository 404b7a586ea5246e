import {
  Button,
  Field,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "@/api/client";
import { changeDataset } from "@/api/queries";
import type { Dataset } from "@/api/types";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";

import { datasetQuery } from "./queries";

const useStyles = makeStyles({
  text: { whiteSpace: "pre-wrap", margin: "0 0 4px" },
  form: { display: "grid", gap: "8px" },
  foot: { display: "flex", justifyContent: "flex-end", gap: "8px" },
  button: {
    marginLeft: "-8px",
    color: tokens.colorNeutralForeground2,
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
});

/** What a dataset holds, in somebody's words, which are written here. */
export function DatasetDescription({ dataset }: { dataset: Dataset }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [editing, setEditing] = useState(false);
  if (editing) return <DescriptionForm dataset={dataset} onDone={() => setEditing(false)} />;
  return (
    <>
      {dataset.description && <p className={styles.text}>{dataset.description}</p>}
      <Button
        size="small"
        appearance="subtle"
        className={styles.button}
        icon={<Icon name="edit" size={16} />}
        onClick={() => setEditing(true)}
      >
        {t("details.describe")}
      </Button>
    </>
  );
}

interface FormProps {
  dataset: Dataset;
  onDone: () => void;
}

function DescriptionForm({ dataset, onDone }: FormProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const query = datasetQuery(dataset.dataset_id);
  // What the change is made to: somebody else's is never overwritten unseen.
  const [base, setBase] = useState(dataset);
  const [text, setText] = useState(dataset.description);
  const [theirs, setTheirs] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: () => changeDataset(base, { description: text.trim() }),
    onSuccess: (saved) => {
      queries.setQueryData(query.queryKey, saved);
      announce(t("details.saved"));
      onDone();
    },
    onError: async (error) => {
      if (!(error instanceof ApiError) || error.status !== 412) return;
      const fresh = await queries.query({ ...query, staleTime: 0 });
      setBase(fresh);
      setTheirs(fresh.description);
    },
  });
  const overtaken = save.error instanceof ApiError && save.error.status === 412;
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!save.isPending) save.mutate();
      }}
    >
      {theirs !== null && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>{t("details.datasetOvertaken", { text: theirs || "–" })}</MessageBarBody>
        </MessageBar>
      )}
      <Field
        label={t("details.description")}
        {...(save.error && !overtaken && { validationMessage: problemText(save.error) })}
      >
        <Textarea
          resize="vertical"
          maxLength={2_000}
          value={text}
          onChange={(_, data) => setText(data.value)}
        />
      </Field>
      <div className={styles.foot}>
        <Button onClick={onDone}>{t("new.cancel")}</Button>
        <Button type="submit" appearance="primary" disabledFocusable={save.isPending}>
          {t("classes.save")}
        </Button>
      </div>
    </form>
  );
}
