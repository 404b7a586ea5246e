import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import type { Project, WhyNone } from "@/api/types";
import { announce } from "@/ui/announcer";
import type { IconName } from "@/ui/Icon";
import { Message } from "@/ui/Message";

import { columnsOf, rowsOf, type Layout } from "../grid/layouts";

const SKELETON_AFTER_MS = 300;

const icons: Record<WhyNone, IconName> = {
  none_left: "check",
  all_leased: "pause",
  paused: "pause",
  initializing: "image",
  too_many_open: "layout4",
  held_back: "pause",
};

const useStyles = makeStyles({
  grid: { display: "grid", gap: "6px", height: "100%" },
  tile: {
    borderRadius: "4px",
    backgroundColor: tokens.colorNeutralBackground6,
    opacity: 0.7,
  },
});

interface Props {
  why: WhyNone | null;
  layout: Layout;
  portrait: boolean;
  project: Project;
  onResume: () => void;
}

/** No page is there: why, and what happens next. Before that is known, tiles of the final size. */
export function Waiting({ why, layout, portrait, project, onResume }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  const title = why && t(`why.${why}.title`);
  const text = why && t(`why.${why}.text`);
  useEffect(() => {
    if (title && text) announce(`${title}. ${text}`);
  }, [title, text]);
  if (why)
    return (
      <Message
        icon={icons[why]}
        title={title ?? ""}
        actions={
          <>
            {why === "too_many_open" && (
              <Button appearance="primary" onClick={onResume}>
                {t("why.too_many_open.resume")}
              </Button>
            )}
            <Button
              onClick={() =>
                navigate(
                  project.my_role === "labeler" ? "/?list" : `/projects/${project.project_id}`,
                )
              }
            >
              {project.my_role === "labeler" ? t("label.toProjects") : t("label.toProject")}
            </Button>
          </>
        }
      >
        {text}
      </Message>
    );
  if (!late) return null;
  return (
    <div
      className={styles.grid}
      style={{
        gridTemplateColumns: `repeat(${columnsOf(layout, portrait)}, minmax(0, 1fr))`,
        gridTemplateRows: `repeat(${rowsOf(layout, portrait)}, minmax(0, 1fr))`,
      }}
      role="status"
      aria-label={t("label.loading")}
    >
      {Array.from({ length: layout }, (_, index) => (
        <div key={index} className={styles.tile} />
      ))}
    </div>
  );
}
