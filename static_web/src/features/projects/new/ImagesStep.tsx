import {
  Field,
  makeStyles,
  Radio,
  RadioGroup,
  Select,
  Switch,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ImagePicker } from "@/upload/ImagePicker";
import { ContainerField } from "./ContainerField";
import { changeDraft, chooseFiles, type Draft } from "./draft";
import { LocationPicker } from "./LocationPicker";
import type { StepProps } from "./NewProject";
import { LocationPreview } from "./LocationPreview";
import { datasetsQuery } from "./queries";

const useStyles = makeStyles({
  stack: { display: "grid", gap: "16px", minWidth: 0 },
  from: { flexWrap: "wrap" },
  choice: { maxWidth: "480px" },
  description: { maxWidth: "720px" },
  said: { margin: 0, maxWidth: "68ch", whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  quiet: { color: tokens.colorNeutralForeground3 },
});

/** Where the images are: files to upload, a location in storage, or a dataset that is there. */
export function ImagesStep({ draft, files, busy, problems }: StepProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <div className={styles.stack}>
      <Field label={t("new.from")} {...(problems.images && { validationMessage: problems.images })}>
        <RadioGroup
          className={styles.from}
          value={draft.from}
          layout="horizontal"
          disabled={busy}
          onChange={(_, data) => changeDraft({ from: data.value as Draft["from"] })}
        >
          <Radio value="upload" label={t("new.fromUpload")} />
          <Radio value="location" label={t("new.fromLocation")} />
          <Radio value="dataset" label={t("new.fromDataset")} />
        </RadioGroup>
      </Field>
      {draft.from === "upload" && (
        <>
          <ImagePicker files={files} disabled={busy} onChange={chooseFiles} />
          <ContainerField
            label={t("new.uploadTo")}
            none={t("new.ownContainer")}
            without="datasets"
            location={draft.container}
            disabled={busy}
            onChange={(container) => changeDraft({ container })}
          />
          {draft.container && (
            <span className={styles.quiet}>
              {t("new.uploadToHint", { container: draft.container })}
            </span>
          )}
        </>
      )}
      {draft.from === "location" && (
        <LocationPicker
          location={draft.location}
          pattern={draft.pattern}
          disabled={busy}
          onChange={changeDraft}
        />
      )}
      {draft.from === "dataset" ? (
        <DatasetPicker draft={draft} disabled={busy} />
      ) : (
        <Field
          className={styles.description}
          label={t("new.description")}
          hint={t("new.descriptionHint")}
        >
          <Textarea
            resize="vertical"
            maxLength={2_000}
            value={draft.description}
            disabled={busy}
            onChange={(_, data) => changeDraft({ description: data.value })}
          />
        </Field>
      )}
      <Switch
        label={t("new.refresh")}
        checked={draft.refresh}
        disabled={busy}
        onChange={(_, data) => changeDraft({ refresh: data.checked })}
      />
    </div>
  );
}

function DatasetPicker({ draft, disabled }: { draft: Draft; disabled: boolean }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const datasets = useQuery(datasetsQuery);
  const chosen = datasets.data?.find((one) => one.dataset_id === draft.datasetId);
  if (datasets.data?.length === 0)
    return <span className={styles.quiet}>{t("new.noDatasets")}</span>;
  return (
    <>
      <Field className={styles.choice} label={t("new.dataset")}>
        <Select
          value={draft.datasetId}
          disabled={disabled}
          onChange={(_, data) => changeDraft({ datasetId: data.value })}
        >
          <option value="">{t("new.choose")}</option>
          {datasets.data?.map((one) => (
            <option key={one.dataset_id} value={one.dataset_id}>
              {t("new.datasetNamed", {
                name: one.name,
                location: one.source.container,
                pattern: one.source.pattern,
              })}
            </option>
          ))}
        </Select>
      </Field>
      {chosen && (
        <>
          {chosen.description && <p className={styles.said}>{chosen.description}</p>}
          <LocationPreview location={chosen.source.container} pattern={chosen.source.pattern} />
        </>
      )}
    </>
  );
}
