import { Button, Field, makeStyles, Select, Textarea, tokens } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Role } from "@/api/types";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Panel } from "@/ui/Panel";

import { parseAddresses } from "@/addresses";
import { invite, membersQuery, roles } from "./queries";

const useStyles = makeStyles({
  form: {
    display: "grid",
    gap: "12px 16px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(160px, 220px)",
    alignItems: "start",
    "@media (max-width: 640px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  foot: { gridColumn: "1 / -1", display: "flex", justifyContent: "flex-end" },
  problem: { gridColumn: "1 / -1", margin: 0, color: tokens.colorStatusDangerForeground1 },
});

/** Lets e-mail addresses in, from their first sign-in. */
export function InvitePanel({ projectId }: { projectId: string }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const [role, setRole] = useState<Role>("labeler");
  const { good, bad } = parseAddresses(text);
  const send = useMutation({
    mutationFn: async (addresses: string[]) => {
      // One after the other: whoever could not be invited stays in the field, with those behind.
      for (const [at, address] of addresses.entries()) {
        await invite(projectId, address, role);
        setText(addresses.slice(at + 1).join("\n"));
      }
      return addresses.length;
    },
    onSuccess: (count) => announce(t("people.invitedSaid", { count })),
    onSettled: () => queries.invalidateQueries(membersQuery(projectId)),
  });
  return (
    <Panel title={t("people.invite")}>
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (good.length && !bad.length && !send.isPending) send.mutate(good);
        }}
      >
        <Field
          label={t("people.addresses")}
          hint={t("people.addressesHint")}
          {...(bad.length > 0 && {
            validationMessage: t("people.noAddress", { text: bad.join(", ") }),
          })}
        >
          <Textarea
            resize="vertical"
            value={text}
            spellCheck={false}
            disabled={send.isPending}
            onChange={(_, data) => setText(data.value)}
          />
        </Field>
        <Field label={t("people.role")} hint={t(`roles.${role}.may`)}>
          <Select
            value={role}
            disabled={send.isPending}
            onChange={(_, data) => setRole(data.value as Role)}
          >
            {roles.map((one) => (
              <option key={one} value={one}>
                {t(`roles.${one}.name`)}
              </option>
            ))}
          </Select>
        </Field>
        {send.isError && (
          <p role="alert" className={styles.problem}>
            {t("people.notInvited", { detail: problemText(send.error) })}
          </p>
        )}
        <div className={styles.foot}>
          <Button
            type="submit"
            appearance="primary"
            disabledFocusable={!good.length || bad.length > 0 || send.isPending}
          >
            {good.length > 1 ? t("people.inviteMany", { count: good.length }) : t("people.invite")}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
