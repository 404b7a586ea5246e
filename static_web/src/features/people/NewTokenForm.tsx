import { Button, Field, Input, makeStyles, Select, tokens } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Role } from "@/api/types";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";

import { makeToken, roles, tokensQuery } from "./queries";

const useStyles = makeStyles({
  form: {
    display: "grid",
    gap: "12px 16px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(160px, 220px) auto",
    alignItems: "end",
    marginTop: "16px",
    "@media (max-width: 640px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  whole: { gridColumn: "1 / -1" },
  problem: { gridColumn: "1 / -1", margin: 0, color: tokens.colorStatusDangerForeground1 },
});

/** Makes a token for a script, and shows its secret until the next is made or the page is left. */
export function NewTokenForm({ projectId }: { projectId: string }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("labeler");
  const make = useMutation({
    mutationFn: () => makeToken(projectId, name.trim(), role),
    onSuccess: (made) => {
      setName("");
      announce(t("tokens.madeSaid", { name: made.name }));
    },
    onSettled: () => queries.invalidateQueries(tokensQuery(projectId)),
  });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() && !make.isPending) make.mutate();
      }}
    >
      <Field label={t("tokens.script")}>
        <Input value={name} maxLength={100} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label={t("people.role")}>
        <Select value={role} onChange={(_, data) => setRole(data.value as Role)}>
          {roles.map((role) => (
            <option key={role} value={role}>
              {t(`roles.${role}.name`)}
            </option>
          ))}
        </Select>
      </Field>
      <Button type="submit" disabledFocusable={!name.trim() || make.isPending}>
        {t("tokens.make")}
      </Button>
      {make.data && (
        <Field
          className={styles.whole}
          label={t("tokens.made", { name: make.data.name })}
          hint={t("tokens.madeHint")}
        >
          <Input readOnly value={make.data.secret} onFocus={(event) => event.target.select()} />
        </Field>
      )}
      {make.isError && (
        <p role="alert" className={styles.problem}>
          {problemText(make.error)}
        </p>
      )}
    </form>
  );
}
