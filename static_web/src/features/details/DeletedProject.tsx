import { Button } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { api, unwrap } from "@/api/client";
import { projectQuery, projectsQuery, useMe } from "@/api/queries";
import { formatTime } from "@/format";
import { problemText } from "@/problems";
import { Message } from "@/ui/Message";

import { deletedQuery } from "./queries";

interface Props {
  projectId: string;
  /** Shown where it is none that was deleted, or to whom may not know. */
  otherwise: ReactNode;
}

/** Says that a project was deleted, and brings it back. */
export function DeletedProject({ projectId, otherwise }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const siteAdmin = useMe().data?.site_admin ?? false;
  const list = useQuery({ ...deletedQuery, enabled: siteAdmin, staleTime: 0 });
  const restore = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/deleted_projects/{deleted_id}/restore", {
          params: { path: { deleted_id: projectId } },
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries(projectsQuery);
      await queries.resetQueries(projectQuery(projectId));
    },
  });
  if (list.isLoading) return null;
  const deleted = list.data?.find((one) => one.project_id === projectId);
  if (!deleted) return otherwise;
  return (
    <Message
      icon="trash"
      title={t("details.deleted", { name: deleted.name })}
      actions={
        <>
          <Button disabledFocusable={restore.isPending} onClick={() => restore.mutate()}>
            {t("details.restore")}
          </Button>
          <Button appearance="primary" onClick={() => navigate("/?list")}>
            {t("label.toProjects")}
          </Button>
        </>
      }
    >
      {restore.isError
        ? problemText(restore.error)
        : t("details.deletedText", { time: formatTime(deleted.deleted_at, i18n.language) })}
    </Message>
  );
}
