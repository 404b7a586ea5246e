import { Button, Checkbox, Field, Input, makeStyles, tokens } from "@fluentui/react-components";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, ApiError, unwrap } from "@/api/client";
import type { Webhook, WebhookDelivery } from "@/api/types";
import { formatTime } from "@/format";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { FactsTable } from "@/ui/FactsTable";
import { Panel } from "@/ui/Panel";

const LOOK_EVERY_MS = 3_000;
const SHOWN = 10;

const EVENTS = ["export.finished", "run.finished", "project.done"] as const;
type Event = (typeof EVENTS)[number];

const useStyles = makeStyles({
  form: { display: "grid", gap: "12px", gridTemplateColumns: "minmax(0, 1fr)" },
  text: { margin: 0, color: tokens.colorNeutralForeground2 },
  events: {
    display: "grid",
    "@media (pointer: coarse)": { "& input": { minWidth: "44px", minHeight: "44px" } },
  },
  buttons: { display: "flex", flexWrap: "wrap", gap: "8px", justifyContent: "flex-end" },
  problem: {
    margin: "8px 0 0",
    color: tokens.colorNeutralForeground1,
    overflowWrap: "anywhere",
  },
});

const webhookQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["webhook", projectId],
    queryFn: async () => {
      try {
        return await unwrap(api.GET("/api/projects/{project_id}/webhook", at(projectId)));
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
  });

const deliveriesQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["deliveries", projectId],
    queryFn: async () =>
      (await unwrap(api.GET("/api/projects/{project_id}/webhook/deliveries", at(projectId)))).items,
    refetchInterval: (query) =>
      query.state.data?.some((one) => one.state === "waiting") ? LOOK_EVERY_MS : false,
  });

const at = (projectId: string) => ({ params: { path: { project_id: projectId } } });

/** What other system is told what happens in a project, and what became of it. */
export function WebhookPanel({ projectId }: { projectId: string }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const hook = useQuery(webhookQuery(projectId));
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Panel title={t("webhook.title")}>
      {hook.data !== undefined && (
        <HookForm
          key={hook.data?.changed_at}
          projectId={projectId}
          hook={hook.data}
          secret={secret}
          onSecret={setSecret}
        />
      )}
      {hook.isError && hook.data === undefined && (
        <p role="alert" className={styles.problem}>
          {problemText(hook.error)}
        </p>
      )}
      {hook.data && <Deliveries projectId={projectId} />}
    </Panel>
  );
}

interface FormProps {
  projectId: string;
  hook: Webhook | null;
  /** It is told once, and forgotten with the page. */
  secret: string | null;
  onSecret: (secret: string | null) => void;
}

function HookForm({ projectId, hook, secret, onSecret }: FormProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [url, setUrl] = useState(hook?.url ?? "");
  const [events, setEvents] = useState<readonly Event[]>(
    hook ? EVENTS.filter((one) => hook.events.includes(one)) : EVENTS,
  );
  const save = useMutation({
    mutationFn: (newSecret: boolean) =>
      unwrap(
        api.PUT("/api/projects/{project_id}/webhook", {
          ...at(projectId),
          body: { url: url.trim(), events: [...events], new_secret: newSecret },
        }),
      ),
    onSuccess: ({ secret: made, ...kept }) => {
      if (made) onSecret(made);
      queries.setQueryData(webhookQuery(projectId).queryKey, kept);
      announce(t("webhook.saved"));
    },
  });
  const [removing, setRemoving] = useState(false);
  const remove = async () => {
    await unwrap(api.DELETE("/api/projects/{project_id}/webhook", at(projectId)));
    onSecret(null);
    queries.setQueryData(webhookQuery(projectId).queryKey, null);
    announce(t("webhook.removed"));
  };
  const busy = save.isPending;
  const ready = url.trim() !== "" && events.length > 0 && !busy;
  const problem = save.error;
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) save.mutate(false);
      }}
    >
      <p className={styles.text}>{t("webhook.text")}</p>
      <Field label={t("webhook.url")} {...(problem && { validationMessage: problemText(problem) })}>
        <Input type="url" value={url} onChange={(_, data) => setUrl(data.value)} />
      </Field>
      <div className={styles.events} role="group" aria-label={t("webhook.events")}>
        {EVENTS.map((one) => (
          <Checkbox
            key={one}
            label={t(`webhook.event.${one}`)}
            checked={events.includes(one)}
            onChange={(_, { checked }) =>
              setEvents(checked ? [...events, one] : events.filter((other) => other !== one))
            }
          />
        ))}
      </div>
      {secret && (
        <Field label={t("webhook.secret")} hint={t("webhook.secretHint")}>
          <Input readOnly value={secret} onFocus={(event) => event.target.select()} />
        </Field>
      )}
      <div className={styles.buttons}>
        {hook && (
          <>
            <Button disabledFocusable={busy} onClick={() => setRemoving(true)}>
              {t("webhook.remove")}
            </Button>
            <Button disabledFocusable={!ready} onClick={() => save.mutate(true)}>
              {t("webhook.newSecret")}
            </Button>
          </>
        )}
        <Button type="submit" appearance="primary" disabledFocusable={!ready}>
          {hook ? t("webhook.save") : t("webhook.add")}
        </Button>
      </div>
      {removing && (
        <ConfirmDialog
          title={t("webhook.removeTitle")}
          text={t("webhook.removeText")}
          action={t("webhook.remove")}
          act={remove}
          onClose={() => setRemoving(false)}
        />
      )}
    </form>
  );
}

function Deliveries({ projectId }: { projectId: string }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const known = useQuery(deliveriesQuery(projectId));
  const onSettled = () => queries.invalidateQueries(deliveriesQuery(projectId));
  const ping = useMutation({
    mutationFn: () => unwrap(api.POST("/api/projects/{project_id}/webhook/ping", at(projectId))),
    onSettled,
  });
  const again = useMutation({
    mutationFn: (deliveryId: string) =>
      unwrap(
        api.POST("/api/projects/{project_id}/webhook/deliveries/{delivery_id}/again", {
          params: { path: { project_id: projectId, delivery_id: deliveryId } },
        }),
      ),
    onSettled,
  });
  const became = (one: WebhookDelivery) =>
    one.problem
      ? t("webhook.stateWhy", { state: t(`webhook.state.${one.state}`), problem: one.problem })
      : t(`webhook.state.${one.state}`);
  const problem = ping.error ?? again.error;
  return (
    <>
      {known.data && known.data.length > 0 && (
        <FactsTable
          title={t("webhook.deliveries")}
          columns={[t("webhook.what"), t("webhook.when"), t("webhook.became"), ""]}
          rows={known.data.slice(0, SHOWN).map((one) => ({
            key: one.delivery_id,
            cells: [
              t(`webhook.event.${one.event}`),
              formatTime(one.last_at ?? one.created_at, i18n.language),
              became(one),
              one.state === "failed" && (
                <Button
                  size="small"
                  disabledFocusable={again.isPending}
                  onClick={() => again.mutate(one.delivery_id)}
                >
                  {t("webhook.again")}
                </Button>
              ),
            ],
          }))}
        />
      )}
      <div className={styles.buttons}>
        <Button disabledFocusable={ping.isPending} onClick={() => ping.mutate()}>
          {t("webhook.ping")}
        </Button>
      </div>
      {problem && (
        <p role="alert" className={styles.problem}>
          {problemText(problem)}
        </p>
      )}
    </>
  );
}
