import { Button, makeStyles, MessageBar, MessageBarBody } from "@fluentui/react-components";
import { useMutation, useQueryClient, type UseQueryOptions } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "@/api/client";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";

const useStyles = makeStyles({
  form: { display: "grid", gap: "12px", gridTemplateColumns: "minmax(0, 1fr)" },
  foot: { display: "flex", justifyContent: "flex-end", gap: "8px" },
});

interface Props<Kept> {
  /** What is changed, as it was shown. */
  shown: Kept;
  query: Pick<UseQueryOptions<Kept, Error, Kept, string[]>, "queryKey" | "queryFn">;
  change: (base: Kept) => Promise<Kept>;
  /** What is said of what somebody else wrote meanwhile. */
  overtaken: (theirs: Kept) => string;
  /** Whether it can be saved as it is written. */
  ready?: boolean;
  /** Fields that say themselves what is wrong with them. */
  telling?: readonly string[];
  onDone: () => void;
  /** The fields; which of those that tell the API refused. */
  children: (refused: string | undefined) => ReactNode;
}

/** Changes what others may change too: what they wrote meanwhile is shown before it is replaced. */
export function ChangeForm<Kept>(props: Props<Kept>): ReactNode {
  const { shown, query, change, overtaken, ready = true, telling = [], onDone, children } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [base, setBase] = useState(shown);
  const [theirs, setTheirs] = useState<Kept | null>(null);
  const save = useMutation({
    mutationFn: () => change(base),
    onSuccess: (saved) => {
      queries.setQueryData(query.queryKey, saved);
      announce(t("details.saved"));
      onDone();
    },
    onError: async (error) => {
      if (!isOvertaken(error)) return;
      const fresh = await queries.query({ ...query, staleTime: 0 });
      setBase(fresh);
      setTheirs(fresh);
    },
  });
  const error = isOvertaken(save.error) ? null : save.error;
  const faults = error instanceof ApiError ? error.faults : [];
  const refused = telling.find((field) => faults.some(({ pointer }) => pointer.includes(field)));
  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !save.isPending) save.mutate();
      }}
    >
      {theirs !== null && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>{overtaken(theirs)}</MessageBarBody>
        </MessageBar>
      )}
      {children(refused)}
      {error && !refused && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{problemText(error)}</MessageBarBody>
        </MessageBar>
      )}
      <div className={styles.foot}>
        <Button onClick={onDone}>{t("new.cancel")}</Button>
        <Button type="submit" appearance="primary" disabledFocusable={!ready || save.isPending}>
          {t("classes.save")}
        </Button>
      </div>
    </form>
  );
}

function isOvertaken(error: unknown): boolean {
  return error instanceof ApiError && error.status === 412;
}
