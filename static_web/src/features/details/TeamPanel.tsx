import { Button, Field, Input, makeStyles, tokens } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { changeProject, projectQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";
import { TeamAndTopics } from "@/ui/TeamAndTopics";
import { areTopics, parseWords } from "@/words";

import { ChangeForm } from "./ChangeForm";

const useStyles = makeStyles({
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
});

/** The words that a project is found by; admins write them here. */
export function TeamPanel({ project }: { project: Project }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [editing, setEditing] = useState(false);
  const admin = project.my_role === "admin";
  const said = project.team !== "" || project.topics.length > 0;
  if (!said && !admin) return null;
  return (
    <Panel
      title={t("projects.teamAndTopics")}
      action={
        admin &&
        !editing && (
          <Button
            size="small"
            icon={<Icon name="edit" size={16} />}
            aria-label={t("details.editTeam")}
            onClick={() => setEditing(true)}
          >
            {t("details.edit")}
          </Button>
        )
      }
    >
      {editing ? (
        <TeamForm project={project} onDone={() => setEditing(false)} />
      ) : said ? (
        <TeamAndTopics team={project.team} topics={project.topics} />
      ) : (
        <p className={styles.quiet}>{t("details.noTeam")}</p>
      )}
    </Panel>
  );
}

interface FormProps {
  project: Project;
  onDone: () => void;
}

function TeamForm({ project, onDone }: FormProps): ReactNode {
  const { t } = useTranslation();
  const [team, setTeam] = useState(project.team);
  const [typed, setTyped] = useState(project.topics.join(", "));
  const topics = parseWords(typed);
  const ready = areTopics(topics);
  return (
    <ChangeForm
      shown={project}
      query={projectQuery(project.project_id)}
      change={(base) => changeProject(base, { team: team.trim(), topics })}
      overtaken={(theirs) =>
        t("details.teamOvertaken", {
          text: [theirs.team, ...theirs.topics].filter(Boolean).join(", ") || "–",
        })
      }
      ready={ready}
      onDone={onDone}
    >
      {() => (
        <>
          <Field label={t("new.team")}>
            <Input value={team} maxLength={80} onChange={(_, data) => setTeam(data.value)} />
          </Field>
          <Field
            label={t("new.topics")}
            hint={t("new.topicsHint")}
            {...(!ready && { validationMessage: t("new.missing.topics") })}
          >
            <Input value={typed} onChange={(_, data) => setTyped(data.value)} />
          </Field>
        </>
      )}
    </ChangeForm>
  );
}
