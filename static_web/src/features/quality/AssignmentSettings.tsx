import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Assignment, Project } from "@/api/types";
import { membersQuery } from "@/features/people/queries";

import { AssignmentRules } from "./AssignmentRules";
import { isComplete } from "./rules";
import { SettingsForm, useChanging } from "./SettingsForm";

/** Which images are for those with a tag alone; for admins. */
export function AssignmentSettings({ project }: { project: Project }): ReactNode {
  return project.assignments && <Changeable project={project} kept={project.assignments} />;
}

function Changeable({ project, kept }: { project: Project; kept: Assignment[] }): ReactNode {
  const { t } = useTranslation();
  const members = useQuery(membersQuery(project.project_id)).data ?? [];
  const changing = useChanging(project, { rules: kept }, ({ rules }) => ({ assignments: rules }));
  const { rules } = changing.values;
  return (
    <SettingsForm
      title={t("assignment.title")}
      about={t("assignment.about")}
      button={t("assignment.save")}
      changing={{ changed: changing.changed && rules.every(isComplete), save: changing.save }}
    >
      <AssignmentRules
        rules={rules}
        classes={project.classes}
        tags={[...new Set(members.flatMap((one) => one.tags))].sort()}
        onChange={(next) => changing.set({ rules: next })}
      />
    </SettingsForm>
  );
}
