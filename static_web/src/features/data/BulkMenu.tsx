import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Radio,
  RadioGroup,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import { sweepsQuery } from "@/api/queries";
import type { LabelClass, NewSweep } from "@/api/types";
import { problemText } from "@/problems";

import { asQuery, type Filters } from "./filters";
import type { Restating } from "./deeds";
import { RestateFields, restating } from "./RestateFields";

type Bulk = NewSweep["do"];
type What = Bulk["what"];
type To = Extract<Bulk, { what: "reject" }>["to"];
const whats = ["approve", "reject", "relabel", "revert", "first", "leave_out"] as const;

interface Props {
  projectId: string;
  filters: Filters;
  classes: readonly LabelClass[];
}

/** One change of all images that the filter means, however many: the server goes through them. */
export function BulkMenu({ projectId, filters, classes }: Props): ReactNode {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [what, setWhat] = useState<What | null>(null);
  const [reason, setReason] = useState("");
  const [to, setTo] = useState<To>("same_labeler");
  const [instead, setInstead] = useState<Restating | null>(null);
  // The same when it is sent again: nothing is done twice.
  const [sweepId, setSweepId] = useState("");
  const ask = (chosen: What) => {
    setWhat(chosen);
    setReason("");
    setInstead(chosen === "relabel" || chosen === "revert" ? restating(chosen, classes) : null);
    setSweepId(`s-${crypto.randomUUID()}`);
    send.reset();
  };
  const asked = (chosen: What): Bulk => {
    if (instead) return instead;
    switch (chosen) {
      case "reject":
        return { what: chosen, reason: reason.trim(), to, front: true };
      case "leave_out":
        return { what: chosen, reason: reason.trim() };
      default:
        return { what: chosen as "approve" | "first" };
    }
  };
  const send = useMutation({
    mutationFn: (chosen: What) => {
      const none = { state: null, class_id: null, labeler: null, kind: null, flag: null };
      return unwrap(
        api.POST("/api/projects/{project_id}/sweeps", {
          params: { path: { project_id: projectId } },
          body: {
            sweep_id: sweepId,
            filter: {
              ...{ ...none, approved: null, honeypot: null, path: null, name: null, cursor: null },
              ...{ waits_for: null, disagrees: false, suggested: null, returned: null, limit: 50 },
              ...{ consensus: null, labeled_on: null, labeled_from: null, labeled_to: null },
              ...asQuery(filters),
              labels: false,
            },
            do: asked(chosen),
          },
        }),
      );
    },
    onSuccess: async () => {
      setWhat(null);
      await queries.invalidateQueries(sweepsQuery(projectId));
    },
  });
  return (
    <>
      <Menu>
        <MenuTrigger disableButtonEnhancement>
          <Button appearance="subtle">{t("bulk.all")}</Button>
        </MenuTrigger>
        <MenuPopover>
          <MenuList>
            {whats.map((one) => (
              <MenuItem key={one} onClick={() => ask(one)}>
                {t(`bulk.${one}`)}
              </MenuItem>
            ))}
          </MenuList>
        </MenuPopover>
      </Menu>
      {what && (
        <Dialog open onOpenChange={() => setWhat(null)}>
          <DialogSurface>
            <DialogBody>
              <DialogTitle>{t(`bulk.${what}`)}</DialogTitle>
              <DialogContent>
                <p>{t("bulk.text")}</p>
                {instead && (
                  <RestateFields value={instead} classes={classes} onChange={setInstead} />
                )}
                {(what === "reject" || what === "leave_out") && (
                  <Field label={t("bulk.reason")}>
                    <Input
                      value={reason}
                      maxLength={2000}
                      onChange={(_, data) => setReason(data.value)}
                    />
                  </Field>
                )}
                {what === "reject" && (
                  <RadioGroup
                    aria-label={t("data.to")}
                    value={to}
                    onChange={(_, data) => setTo(data.value as To)}
                  >
                    <Radio value="same_labeler" label={t("data.toSame")} />
                    <Radio value="anyone" label={t("data.toAnyone")} />
                  </RadioGroup>
                )}
                {send.error && <p role="alert">{problemText(send.error)}</p>}
              </DialogContent>
              <DialogActions>
                <Button onClick={() => setWhat(null)}>{t("new.cancel")}</Button>
                <Button
                  appearance="primary"
                  disabledFocusable={send.isPending}
                  onClick={() => send.mutate(what)}
                >
                  {t("bulk.start")}
                </Button>
              </DialogActions>
            </DialogBody>
          </DialogSurface>
        </Dialog>
      )}
    </>
  );
}
