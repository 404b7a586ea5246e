import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Member } from "@/api/types";
import { ConfirmDialog } from "@/ui/ConfirmDialog";

import { membersQuery, remove } from "./queries";

interface Props {
  projectId: string;
  member: Member;
  onClose: () => void;
}

/** Says what becomes of somebody's work before they are taken off a project. */
export function RemoveDialog({ projectId, member, onClose }: Props): ReactNode {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const name = member.name || member.member_id;
  const what = member.invited ? "withdraw" : "remove";
  return (
    <ConfirmDialog
      title={t(`people.${what}Title`, { name })}
      text={t(`people.${what}Text`)}
      action={t(`people.${what}`)}
      act={async () => {
        await remove(projectId, member);
        await queries.invalidateQueries(membersQuery(projectId));
      }}
      onClose={onClose}
    />
  );
}
