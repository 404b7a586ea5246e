import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import type { Annotation, HoneypotPerson, Project } from "@/api/types";
import { formatPercent, formatWhen } from "@/format";
import { problemText } from "@/problems";
import { Thumbnail } from "@/ui/Thumbnail";

import { checksQuery } from "./queries";

const useStyles = makeStyles({
  list: {
    display: "grid",
    gap: "16px",
    gridTemplateColumns: "repeat(auto-fill, minmax(180px, 1fr))",
    margin: 0,
    padding: 0,
    listStyle: "none",
  },
  link: { display: "block" },
  facts: { display: "grid", gap: "2px", overflowWrap: "anywhere" },
  score: { fontWeight: 600 },
  quiet: { color: tokens.colorNeutralForeground3, fontSize: "12px", lineHeight: "16px" },
});

interface Props {
  project: Project;
  person: HoneypotPerson;
  onClose: () => void;
}

/** What somebody said about honeypots, beside what is known; each leads to the image. */
export function ChecksDialog({ project, person, onClose }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const found = useQuery(checksQuery(project.project_id, person.user));
  const classNames = new Map(project.classes.map((one) => [one.class_id, one.name]));
  const written = (said: readonly Annotation[]) => {
    const counts = new Map<string, number>();
    for (const one of said) counts.set(one.class_id, (counts.get(one.class_id) ?? 0) + 1);
    return [...counts]
      .map(([id, count]) => (classNames.get(id) ?? id) + (count > 1 ? ` ×${count}` : ""))
      .join(", ");
  };
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface style={{ maxWidth: "900px" }}>
        <DialogBody>
          <DialogTitle>{t("honeypots.saidBy", { name: person.name || person.user })}</DialogTitle>
          <DialogContent>
            {found.error && <p role="alert">{problemText(found.error)}</p>}
            <ul className={styles.list}>
              {found.data?.items.map((one) => (
                <li key={one.item_id}>
                  <Link
                    className={styles.link}
                    href={`/projects/${project.project_id}/data?item=${one.item_id}`}
                  >
                    <Thumbnail src={one.images.thumbnail} alt={one.path} />
                  </Link>
                  <div className={styles.facts}>
                    <span className={styles.score}>
                      {one.score === null
                        ? t("honeypots.unscored")
                        : t("honeypots.score", { score: formatPercent(one.score, i18n.language) })}
                    </span>
                    <span>
                      {t("honeypots.said", {
                        classes:
                          one.outcome === "labeled"
                            ? written(one.said) || t("label.nothing")
                            : t(`itemStates.${one.outcome}`),
                      })}
                    </span>
                    <span>
                      {t("honeypots.known", {
                        classes: written(one.known) || t("label.nothing"),
                      })}
                    </span>
                    <span className={styles.quiet}>{formatWhen(one.at, i18n.language)}</span>
                  </div>
                </li>
              ))}
            </ul>
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={onClose}>
              {t("help.close")}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
