import {
  Button,
  Field,
  Input,
  makeStyles,
  Select,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, newId, unwrap } from "@/api/client";
import { formatsQuery, projectQuery } from "@/api/queries";
import type { Export, ExportFormat } from "@/api/types";
import { formatBytes, formatTime } from "@/format";
import { problemText } from "@/problems";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";

import { everything, ExportOptions, optionsOf } from "./ExportOptions";
import { exportsQuery, LOOK_EVERY_MS } from "./queries";

const SHOWN = 5;

const useStyles = makeStyles({
  list: { display: "grid", gap: "4px", margin: 0, padding: 0, listStyle: "none" },
  row: {
    display: "flex",
    alignItems: "center",
    justifyContent: "space-between",
    gap: "12px",
    minHeight: "44px",
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`,
    paddingTop: "4px",
  },
  ask: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: "8px",
    marginBottom: "12px",
    "& select": { minWidth: 0, width: "100%" },
  },
  choice: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "end",
    gap: "12px",
    "& > :first-child": { flex: "1 1 160px", minWidth: 0 },
  },
  files: { display: "flex", flexWrap: "wrap", justifyContent: "end", gap: "4px" },
  when: { display: "grid" },
  quiet: { color: tokens.colorNeutralForeground3, fontSize: "12px", lineHeight: "16px", margin: 0 },
  code: {
    margin: "4px 0",
    padding: "8px",
    fontFamily: tokens.fontFamilyMonospace,
    color: tokens.colorNeutralForeground1,
    backgroundColor: tokens.colorNeutralBackground3,
    borderRadius: "4px",
    whiteSpace: "pre-wrap",
    overflowWrap: "anywhere",
  },
  problem: { color: tokens.colorStatusDangerForeground1, fontSize: "12px", margin: 0 },
});

/** Asks for exports, and hands out those that are done. */
export function ExportPanel({ projectId }: { projectId: string }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const exports = useQuery(exportsQuery(projectId)).data;
  const project = useQuery(projectQuery(projectId)).data;
  const type = project?.task_type;
  const role = project?.my_role;
  const formats = useQuery(formatsQuery).data?.filter(
    (one) => type && one.writes && one.task_types.includes(type),
  );
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState(everything);
  const [version, setVersion] = useState("");
  const [kept, setKept] = useState("");
  const versions = exports?.filter(isVersion) ?? [];
  const format = formats?.find((one) => one.name === name) ?? formats?.[0];
  const start = useMutation({
    mutationFn: ({ key, format }: { key: string; format: ExportFormat }) =>
      unwrap(
        api.POST("/api/projects/{project_id}/exports", {
          params: { path: { project_id: projectId } },
          body: {
            format: format.name,
            as_of: null,
            options: optionsOf(chosen, format),
            name: version ? "" : kept.trim(),
            version: version || null,
          },
          headers: { "Idempotency-Key": key },
        }),
      ),
    retry: 2,
    onSuccess: () => {
      setKept("");
      return queries.invalidateQueries(exportsQuery(projectId));
    },
  });
  const formatOf = (one: Export) => formats?.find(({ name: known }) => known === one.format);
  const busy = start.isPending || Boolean(exports?.some((one) => one.state === "waiting"));
  return (
    <Panel title={t("exports.title")}>
      <div className={styles.ask}>
        <div className={styles.choice}>
          <Field label={t("exports.format")}>
            <Select value={format?.name ?? ""} onChange={(_, { value }) => setName(value)}>
              {formats?.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.title}
                </option>
              ))}
            </Select>
          </Field>
          <Button
            disabledFocusable={busy || !format}
            onClick={() => format && start.mutate({ key: newId("e"), format })}
          >
            {t("exports.start")}
          </Button>
        </div>
        {versions.length > 0 && (
          <Field label={t("exports.labels")}>
            <Select value={version} onChange={(_, { value }) => setVersion(value)}>
              <option value="">{t("exports.now")}</option>
              {versions.map((one) => (
                <option key={one.export_id} value={one.export_id}>
                  {one.name}
                </option>
              ))}
            </Select>
          </Field>
        )}
        {!version && (
          <Field label={t("exports.keep")} hint={t("exports.keepHint")}>
            <Input value={kept} maxLength={200} onChange={(_, { value }) => setKept(value)} />
          </Field>
        )}
        {format && (
          <ExportOptions
            projectId={projectId}
            format={format}
            chosen={chosen}
            onChange={(part) => setChosen({ ...chosen, ...part })}
          />
        )}
        {format && format.loses.length > 0 && (
          <p className={styles.quiet}>
            {t("exports.loses", {
              list: format.loses.map((one) => t(`exports.lossOf.${one}`)).join(", "),
            })}
          </p>
        )}
      </div>
      {start.isError && (
        <p role="alert" className={styles.problem}>
          {t("exports.notStarted", { detail: problemText(start.error) })}
        </p>
      )}
      {!exports?.length && <p className={styles.quiet}>{t("exports.none")}</p>}
      <ul className={styles.list}>
        {shown(exports ?? []).map((one) => (
          <Row
            key={one.export_id}
            projectId={projectId}
            one={one}
            older={versions[versions.indexOf(one) + 1]}
            removable={role === "admin"}
            title={formatOf(one)?.title ?? one.format}
            sample={(type && formatOf(one)?.samples[type]) ?? ""}
          />
        ))}
      </ul>
    </Panel>
  );
}

/** Exports whose labels can be exported again. */
const isVersion = (one: Export) => one.name !== "" && !one.version && one.state === "done";

/** The newest, and all versions. */
const shown = (exports: readonly Export[]) =>
  exports.filter((one, at) => at < SHOWN || isVersion(one));

interface RowProps {
  projectId: string;
  one: Export;
  /** Where it is a version: the one before. */
  older: Export | undefined;
  removable: boolean;
  title: string;
  /** Python that loads it. */
  sample: string;
}

function Row({ projectId, one, older, removable, title, sample }: RowProps): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [failed, setFailed] = useState("");
  const download = async (file: string) => {
    try {
      const { url, name } = await unwrap(
        api.POST("/api/projects/{project_id}/exports/{export_id}/link", {
          params: { path: { project_id: projectId, export_id: one.export_id } },
          body: { name: file },
        }),
      );
      setFailed("");
      const link = document.createElement("a");
      link.href = url;
      link.download = baseName(name);
      link.click();
    } catch (error) {
      setFailed(problemText(error));
    }
  };
  const queries = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const remove = async () => {
    await unwrap(
      api.DELETE("/api/projects/{project_id}/exports/{export_id}", {
        params: { path: { project_id: projectId, export_id: one.export_id } },
      }),
    );
    await queries.invalidateQueries(exportsQuery(projectId));
  };
  const left = Object.values(one.omitted).reduce((sum, count) => sum + count, 0);
  const time = formatTime(one.as_of, i18n.language);
  const labels = one.files.at(0);
  return (
    <li className={styles.row} data-testid="export" data-state={one.state}>
      <span className={styles.when}>
        {one.name ? `${one.name} · ${title}` : title}
        <span className={styles.quiet}>
          {[time, one.created_by_name].filter(Boolean).join(" · ")}
        </span>
        {one.state === "done" && (
          <span className={styles.quiet}>
            {t("exports.images", { count: one.exported })}
            {labels && ` · ${formatBytes(labels.size, i18n.language)} · `}
            {labels && (
              <span title={labels.sha256}>
                {t("exports.sha", { digest: labels.sha256.slice(0, 12) })}
              </span>
            )}
          </span>
        )}
        {left > 0 && <span className={styles.quiet}>{t("exports.omitted", { count: left })}</span>}
        {one.images && (
          <span className={styles.quiet}>{t("exports.imagesIn", { place: one.images })}</span>
        )}
        {older && isVersion(one) && (
          <Changes projectId={projectId} newer={one.export_id} older={older} />
        )}
        {one.state === "done" && sample && (
          <details className={styles.quiet}>
            <summary>{t("exports.sample")}</summary>
            <p className={styles.quiet}>{t("exports.sampleHint")}</p>
            <pre className={styles.code}>
              <code>{sample}</code>
            </pre>
          </details>
        )}
        {(one.problem || failed) && (
          <span role="alert" className={styles.problem}>
            {t("exports.failed", { detail: failed || one.problem })}
          </span>
        )}
      </span>
      {one.state === "waiting" && (
        <Spinner
          size="tiny"
          label={one.items ? t("exports.gathered", { count: one.items }) : t("exports.waiting")}
          labelPosition="before"
        />
      )}
      {one.state === "done" && (
        <span className={styles.files}>
          {one.files.map(({ name }, at) => (
            <Button
              key={name}
              size="small"
              icon={<Icon name="download" size={16} />}
              aria-label={t("exports.downloadOf", { file: baseName(name), time })}
              onClick={() => void download(name)}
            >
              {at ? baseName(name) : t("exports.download")}
            </Button>
          ))}
          {removable && (
            <Button
              size="small"
              appearance="subtle"
              icon={<Icon name="trash" size={16} />}
              aria-label={t("exports.removeOf", { name: one.name || title, time })}
              onClick={() => setRemoving(true)}
            />
          )}
        </span>
      )}
      {removing && (
        <ConfirmDialog
          title={t("exports.removeTitle", { name: one.name || title })}
          text={t(isVersion(one) ? "exports.removeVersion" : "exports.removeText")}
          action={t("exports.remove")}
          act={remove}
          onClose={() => setRemoving(false)}
        />
      )}
    </li>
  );
}

/** How many images a version has that another has not, and the other way round, once that is asked for. */
function Changes({
  projectId,
  newer,
  older,
}: {
  projectId: string;
  newer: string;
  older: Export;
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const queryKey = ["difference", projectId, newer, older.export_id];
  const versions = { project_id: projectId, export_id: newer, older_id: older.export_id };
  const compare = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/projects/{project_id}/exports/{export_id}/difference/{older_id}", {
          params: { path: versions },
        }),
      ),
    onSuccess: () => queries.resetQueries({ queryKey }),
  });
  const compared = useQuery({
    queryKey,
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/exports/{export_id}/difference/{older_id}", {
          params: { path: versions },
        }),
      ),
    enabled: compare.data?.state === "waiting",
    refetchInterval: ({ state }) => (state.data?.state === "waiting" ? LOOK_EVERY_MS : false),
  });
  const found = compare.data?.state === "waiting" ? compared.data : compare.data;
  const error = compare.error ?? compared.error;
  const problem = error ? problemText(error) : found?.problem;
  if (!found?.difference)
    return (
      <span>
        <Button
          size="small"
          appearance="subtle"
          disabledFocusable={
            compare.isPending || (compare.data?.state === "waiting" && !found?.problem && !error)
          }
          onClick={() => compare.mutate()}
        >
          {t("exports.changes", { name: older.name })}
        </Button>
        {problem && (
          <span role="alert" className={styles.problem}>
            {t("exports.failed", { detail: problem })}
          </span>
        )}
      </span>
    );
  const { added, changed, removed } = found.difference;
  const kinds = { added, changed, removed };
  return (
    <details className={styles.quiet}>
      <summary>
        {t("exports.difference", {
          added: added.count,
          changed: changed.count,
          removed: removed.count,
          name: older.name,
        })}
      </summary>
      {(["added", "changed", "removed"] as const).map(
        (kind) =>
          kinds[kind].count > 0 && (
            <p key={kind} className={styles.quiet}>
              {t(`exports.kinds.${kind}`, { list: kinds[kind].first.join(", ") })}
            </p>
          ),
      )}
    </details>
  );
}

const baseName = (path: string) => path.slice(path.lastIndexOf("/") + 1);
