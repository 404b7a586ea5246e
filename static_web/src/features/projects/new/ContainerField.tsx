import { Field, makeStyles, MessageBar, MessageBarBody, Select } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { problemText } from "@/problems";

import { AddPlace } from "./AddPlace";
import { accountsQuery } from "./queries";

const useStyles = makeStyles({
  head: { display: "flex", flexWrap: "wrap", alignItems: "flex-end", gap: "8px 12px" },
  container: { flex: "1 1 240px", maxWidth: "480px", minWidth: 0 },
});

interface Props {
  label: string;
  /** What the choice of none is called. */
  none: string;
  /** A container that is not offered: it is what none means. */
  without?: string;
  location: string;
  disabled: boolean;
  onChange: (location: string) => void;
}

/** A container of one of the accounts; an account can be added, and a container be made, on the way. */
export function ContainerField(props: Props): ReactNode {
  const { label, none, without, location, disabled, onChange } = props;
  const { t } = useTranslation();
  const styles = useStyles();
  const accounts = useQuery(accountsQuery);
  const problems = accounts.data?.filter((one) => one.problem) ?? [];
  return (
    <>
      <div className={styles.head}>
        <Field className={styles.container} label={label}>
          <Select value={location} disabled={disabled} onChange={(_, data) => onChange(data.value)}>
            <option value="">{none}</option>
            {accounts.data?.map((account) => (
              <optgroup key={account.account} label={account.account}>
                {account.containers
                  .filter((one) => one !== without)
                  .map((one) => (
                    <option key={one} value={one}>
                      {one}
                    </option>
                  ))}
              </optgroup>
            ))}
          </Select>
        </Field>
        <AddPlace
          kind="container"
          disabled={disabled}
          accounts={accounts.data ?? []}
          onAdded={onChange}
        />
        <AddPlace kind="account" disabled={disabled} accounts={accounts.data ?? []} />
      </div>
      {accounts.isError && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{problemText(accounts.error)}</MessageBarBody>
        </MessageBar>
      )}
      {problems.map(({ account, problem }) => (
        <MessageBar key={account} intent="warning" layout="multiline">
          <MessageBarBody>{t("new.accountProblem", { account, problem })}</MessageBarBody>
        </MessageBar>
      ))}
    </>
  );
}
