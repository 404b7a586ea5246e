import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Member } from "@/api/types";
import { problemText } from "@/problems";
import { useFocusBack } from "@/ui/useFocusBack";

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
  useFocusBack(true);
  const { invited } = member;
  const name = member.name || member.member_id;
  const take = useMutation({
    mutationFn: () => remove(projectId, member),
    onSuccess: async () => {
      await queries.invalidateQueries(membersQuery(projectId));
      onClose();
    },
  });
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>
            {invited ? t("people.withdrawTitle", { name }) : t("people.removeTitle", { name })}
          </DialogTitle>
          <DialogContent>
            {invited ? t("people.withdrawText") : t("people.removeText")}
            {take.isError && <p role="alert">{problemText(take.error)}</p>}
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>{t("new.cancel")}</Button>
            <Button
              appearance="primary"
              disabledFocusable={take.isPending}
              onClick={() => take.mutate()}
            >
              {invited ? t("people.withdraw") : t("people.remove")}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
