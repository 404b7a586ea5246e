import { Button, Field, makeStyles, Textarea, tokens } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { changeDataset } from "@/api/queries";
import type { Dataset } from "@/api/types";
import { Icon } from "@/ui/Icon";

import { ChangeForm } from "./ChangeForm";
import { datasetQuery } from "./queries";

const useStyles = makeStyles({
  text: { whiteSpace: "pre-wrap", margin: "0 0 4px" },
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
        {dataset.description ? t("details.describeAnew") : t("details.describe")}
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
  const [text, setText] = useState(dataset.description);
  return (
    <ChangeForm
      shown={dataset}
      query={datasetQuery(dataset.dataset_id)}
      change={(base) => changeDataset(base, { description: text.trim() })}
      overtaken={({ description }) => t("details.datasetOvertaken", { text: description || "–" })}
      onDone={onDone}
    >
      {() => (
        <Field label={t("details.description")}>
          <Textarea
            resize="vertical"
            maxLength={2_000}
            value={text}
            onChange={(_, data) => setText(data.value)}
          />
        </Field>
      )}
    </ChangeForm>
  );
}
