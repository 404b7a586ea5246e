import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useMe } from "@/api/queries";
import type { ApiToken } from "@/api/types";
import { formatTime } from "@/format";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { FactsTable } from "@/ui/FactsTable";
import { Panel } from "@/ui/Panel";

import { NewTokenForm } from "./NewTokenForm";
import { renewToken, revokeToken, tokensQuery } from "./queries";

const useStyles = makeStyles({
  text: { margin: 0, color: tokens.colorNeutralForeground2 },
  actions: { display: "flex", gap: "8px", justifyContent: "flex-end" },
  expired: { color: tokens.colorStatusDangerForeground1 },
  problem: { margin: "8px 0 0", color: tokens.colorNeutralForeground1 },
});

/** What may act in a project by an API token. */
export function TokensPanel({ projectId }: { projectId: string }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const siteAdmin = useMe().data?.site_admin ?? false;
  const known = useQuery(tokensQuery(projectId));
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  const renew = useMutation({
    mutationFn: renewToken,
    onSuccess: (renewed) =>
      announce(
        t("tokens.renewedSaid", {
          name: renewed.name,
          time: formatTime(renewed.expires_at, i18n.language),
        }),
      ),
    onSettled: () => queries.invalidateQueries(tokensQuery(projectId)),
  });
  const problem = renew.error ?? (known.data ? null : known.error);
  return (
    <Panel title={t("tokens.title")}>
      <p className={styles.text}>
        {known.data?.length === 0 ? t("tokens.none") : t("tokens.text")}
      </p>
      {known.data && known.data.length > 0 && (
        <FactsTable
          title={t("tokens.list")}
          columns={[t("people.name"), t("people.role"), t("tokens.used"), t("tokens.expires"), ""]}
          rows={known.data.map((token) => ({
            key: token.token_id,
            cells: [
              token.name,
              t(`roles.${token.role}.name`),
              token.used_at ? formatTime(token.used_at, i18n.language) : t("tokens.never"),
              <span className={token.expired ? styles.expired : undefined}>
                {token.expired
                  ? t("tokens.expired", { time: formatTime(token.expires_at, i18n.language) })
                  : formatTime(token.expires_at, i18n.language)}
              </span>,
              <span className={styles.actions}>
                {siteAdmin && (
                  <Button
                    size="small"
                    aria-label={t("tokens.renewNamed", { name: token.name })}
                    disabledFocusable={renew.isPending}
                    onClick={() => renew.mutate(token)}
                  >
                    {t("tokens.renew")}
                  </Button>
                )}
                <Button
                  size="small"
                  aria-label={t("tokens.revokeNamed", { name: token.name })}
                  onClick={() => setRevoking(token)}
                >
                  {t("tokens.revoke")}
                </Button>
              </span>,
            ],
          }))}
        />
      )}
      {siteAdmin && <NewTokenForm projectId={projectId} />}
      {problem && (
        <p role="alert" className={styles.problem}>
          {problemText(problem)}
        </p>
      )}
      {revoking && (
        <RevokeDialog projectId={projectId} token={revoking} onClose={() => setRevoking(null)} />
      )}
    </Panel>
  );
}

interface RevokeProps {
  projectId: string;
  token: ApiToken;
  onClose: () => void;
}

function RevokeDialog({ projectId, token, onClose }: RevokeProps): ReactNode {
  const { t } = useTranslation();
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title={t("tokens.revokeTitle", { name: token.name })}
      text={t("tokens.revokeText")}
      action={t("tokens.revoke")}
      act={async () => {
        await revokeToken(projectId, token);
        await queries.invalidateQueries(tokensQuery(projectId));
      }}
      onClose={onClose}
    />
  );
}
