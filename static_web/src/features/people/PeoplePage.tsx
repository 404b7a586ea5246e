import {
  Button,
  makeStyles,
  mergeClasses,
  Select,
  Skeleton,
  SkeletonItem,
  tokens,
  Tooltip,
} from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useMe } from "@/api/queries";
import type { Member, Role } from "@/api/types";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";
import { Message } from "@/ui/Message";
import { Panel } from "@/ui/Panel";

import { InvitePanel } from "./InvitePanel";
import { changeMember, membersQuery, roles } from "./queries";
import { RemoveDialog } from "./RemoveDialog";
import { TagsField } from "./TagsField";
import { TokensPanel } from "./TokensPanel";

const useStyles = makeStyles({
  page: { display: "grid", gap: "16px" },
  table: { width: "100%", borderCollapse: "collapse", textAlign: "left" },
  headCell: {
    padding: "4px 12px 8px 0",
    fontSize: "12px",
    lineHeight: "16px",
    fontWeight: 600,
    color: tokens.colorNeutralForeground3,
  },
  row: { borderTop: `1px solid ${tokens.colorNeutralStroke3}` },
  cell: { padding: "8px 12px 8px 0", verticalAlign: "middle" },
  last: { padding: "8px 0", width: "32px", textAlign: "right" },
  // An address is read as a whole: the role takes what it needs.
  name: { width: "100%" },
  who: { display: "grid", gap: "2px" },
  quiet: { color: tokens.colorNeutralForeground3, fontSize: "12px", lineHeight: "16px" },
  text: { margin: "0 0 8px", color: tokens.colorNeutralForeground2 },
  role: { minWidth: "104px" },
  problem: { margin: "8px 0 0", color: tokens.colorStatusDangerForeground1 },
});

interface Props {
  projectId: string;
}

/** Who may do what in a project. */
export function PeoplePage({ projectId }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const me = useMe().data;
  const members = useQuery(membersQuery(projectId));
  const [removing, setRemoving] = useState<Member | null>(null);
  const change = useMutation({
    mutationFn: ({ member, ...change }: { member: Member; role?: Role; tags?: string[] }) =>
      changeMember(projectId, member, change),
    onSuccess: (changed, { tags }) => {
      queries.setQueryData(membersQuery(projectId).queryKey, (known) =>
        known?.map((one) => (one.member_id === changed.member_id ? changed : one)),
      );
      announce(
        tags
          ? t("people.tagsSaid", { name: changed.name, tags: changed.tags.join(", ") || "–" })
          : t("people.changedSaid", { name: changed.name, role: t(`roles.${changed.role}.name`) }),
      );
    },
    onSettled: () => queries.invalidateQueries(membersQuery(projectId)),
  });
  if (members.isError && !members.data)
    return (
      <Message icon="warning" title={t("people.notShown")}>
        {problemText(members.error)}
      </Message>
    );
  return (
    <div className={styles.page}>
      <InvitePanel projectId={projectId} />
      <Panel title={t("people.members")}>
        <p className={styles.text}>
          {t("people.siteAdmins")} {t("people.tagsHint")}
        </p>
        {!members.data ? (
          <Skeleton aria-label={t("projects.loading")}>
            <SkeletonItem size={48} />
          </Skeleton>
        ) : (
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col" className={mergeClasses(styles.headCell, styles.name)}>
                  {t("people.name")}
                </th>
                <th scope="col" className={styles.headCell}>
                  {t("people.role")}
                </th>
                <td />
              </tr>
            </thead>
            <tbody>
              {members.data.map((member) => {
                const name = member.name || member.member_id;
                const mine = member.member_id === me?.user;
                return (
                  <tr key={member.member_id} className={styles.row} data-member={name}>
                    <td className={styles.cell}>
                      <span className={styles.who}>
                        <span>{name}</span>
                        {(member.invited || mine) && (
                          <span className={styles.quiet}>
                            {mine ? t("people.you") : t("people.invited")}
                          </span>
                        )}
                        <TagsField
                          member={member}
                          disabled={change.isPending}
                          onChange={(tags) => change.mutate({ member, tags })}
                        />
                      </span>
                    </td>
                    <td className={styles.cell}>
                      {mine ? (
                        t(`roles.${member.role}.name`)
                      ) : (
                        <Select
                          className={styles.role}
                          aria-label={t("people.roleOf", { name })}
                          value={member.role}
                          disabled={change.isPending}
                          onChange={(_, data) =>
                            change.mutate({ member, role: data.value as Role })
                          }
                        >
                          {roles.map((one) => (
                            <option key={one} value={one}>
                              {t(`roles.${one}.name`)}
                            </option>
                          ))}
                        </Select>
                      )}
                    </td>
                    <td className={styles.last}>
                      {!mine && (
                        <Tooltip
                          content={t("people.removeNamed", { name })}
                          relationship="label"
                          showDelay={500}
                        >
                          <Button
                            appearance="subtle"
                            size="small"
                            icon={<Icon name="clear" size={16} />}
                            onClick={() => setRemoving(member)}
                          />
                        </Tooltip>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
        {change.isError && (
          <p role="alert" className={styles.problem}>
            {problemText(change.error)}
          </p>
        )}
      </Panel>
      <TokensPanel projectId={projectId} />
      {removing && (
        <RemoveDialog projectId={projectId} member={removing} onClose={() => setRemoving(null)} />
      )}
    </div>
  );
}
