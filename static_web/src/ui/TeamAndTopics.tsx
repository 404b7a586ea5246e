import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

const useStyles = makeStyles({
  list: { display: "flex", flexWrap: "wrap", gap: "4px", margin: 0, padding: 0, listStyle: "none" },
  word: {
    boxSizing: "border-box",
    maxWidth: "100%",
    padding: "0 6px",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    fontSize: "12px",
    lineHeight: "18px",
    color: tokens.colorNeutralForeground2,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "4px",
  },
  team: { fontWeight: 600, backgroundColor: tokens.colorNeutralBackground3 },
  rest: { fontSize: "12px", lineHeight: "20px", color: tokens.colorNeutralForeground3 },
});

interface Props {
  team: string;
  topics: readonly string[];
  /** How many topics are shown; the others are counted. */
  most?: number;
}

/** The words that a project is found by. */
export function TeamAndTopics({ team, topics, most = topics.length }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const rest = topics.slice(most);
  if (!team && !topics.length) return null;
  return (
    <ul className={styles.list} aria-label={t("projects.teamAndTopics")}>
      {team && (
        <li className={mergeClasses(styles.word, styles.team)} title={team}>
          {team}
        </li>
      )}
      {topics.slice(0, most).map((topic) => (
        <li key={topic} className={styles.word} title={topic}>
          {topic}
        </li>
      ))}
      {rest.length > 0 && (
        <li className={styles.rest} title={rest.join(", ")}>
          {t("projects.moreTopics", { count: rest.length })}
        </li>
      )}
    </ul>
  );
}
