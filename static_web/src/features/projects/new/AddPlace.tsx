import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  Field,
  Input,
  makeStyles,
  Select,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import type { StorageAccount } from "@/api/types";
import { problemText } from "@/problems";

import { accountsQuery } from "./queries";

const useStyles = makeStyles({ stack: { display: "grid", gap: "12px" } });

interface Props {
  kind: "account" | "container";
  disabled: boolean;
  accounts: StorageAccount[];
  onAdded?: (location: string) => void;
}

/** Registers a storage account, or makes a container in one. What storage refuses stays in the dialog. */
export function AddPlace({ kind, disabled, accounts, onAdded }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [account, setAccount] = useState("");
  const add = useMutation({
    mutationFn: async (): Promise<string> => {
      if (kind === "account")
        return (await unwrap(api.POST("/api/storage/accounts", { body: { account: name } })))
          .account;
      const location = account ? `${account}/${name}` : name;
      return (await unwrap(api.POST("/api/storage/locations", { body: { location } }))).location;
    },
    onSuccess: async (made) => {
      await queries.invalidateQueries(accountsQuery);
      onAdded?.(made);
      setOpen(false);
      setName("");
    },
  });
  return (
    <Dialog open={open} onOpenChange={(_, data) => setOpen(data.open)}>
      <DialogTrigger disableButtonEnhancement>
        <Button disabled={disabled}>{t(`new.add.${kind}`)}</Button>
      </DialogTrigger>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            event.stopPropagation(); // React passes it on to the form that the dialog is opened from
            if (name.trim() && !add.isPending) add.mutate();
          }}
        >
          <DialogBody>
            <DialogTitle>{t(`new.add.${kind}`)}</DialogTitle>
            <DialogContent className={styles.stack}>
              {kind === "container" && (
                <Field label={t("new.account")}>
                  <Select value={account} onChange={(_, data) => setAccount(data.value)}>
                    {accounts.map((one) => (
                      <option key={one.account} value={one.own ? "" : one.account}>
                        {one.account}
                      </option>
                    ))}
                  </Select>
                </Field>
              )}
              <Field
                label={t(`new.add.${kind}Name`)}
                hint={t(`new.add.${kind}Hint`)}
                required
                {...(add.isError && { validationMessage: problemText(add.error) })}
              >
                <Input
                  value={name}
                  spellCheck={false}
                  autoComplete="off"
                  onChange={(_, data) => setName(data.value)}
                />
              </Field>
            </DialogContent>
            <DialogActions>
              <DialogTrigger disableButtonEnhancement>
                <Button>{t("new.cancel")}</Button>
              </DialogTrigger>
              <Button
                type="submit"
                appearance="primary"
                disabledFocusable={!name.trim() || add.isPending}
              >
                {t("new.add.doIt")}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
