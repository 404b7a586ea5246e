import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { ComponentProps, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import LabelPage from "@/features/label/LabelPage";
import { TrialContext } from "@/features/label/trial";

import { openTrial } from "./trial";

const useStyles = makeStyles({
  banner: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "4px 12px",
    padding: "4px 12px",
    color: tokens.colorNeutralForegroundOnBrand,
    backgroundColor: tokens.colorBrandBackground,
  },
  words: { flex: "1 1 240px", margin: 0 },
});

/** The page as labelers see it, for whoever looks after the project: nothing of it is kept. */
export default function TryPage(props: ComponentProps<typeof LabelPage>): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  return (
    <TrialContext value={openTrial}>
      <LabelPage
        {...props}
        banner={
          <div className={styles.banner}>
            <p className={styles.words}>{t("try.text")}</p>
            <Button size="small" onClick={() => navigate(`/projects/${props.projectId}`)}>
              {t("try.end")}
            </Button>
          </div>
        }
      />
    </TrialContext>
  );
}
