import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass, Sweep } from "@/api/types";
import { formatNumber } from "@/format";

import { ProgressBar } from "./ProgressBar";

const useStyles = makeStyles({
  root: { display: "grid", gap: "4px", marginBlock: "8px" },
  words: { margin: 0, color: tokens.colorNeutralForeground2 },
});

interface Props {
  sweep: Sweep;
  classes: readonly LabelClass[];
}

/** How far one change of many images is, and what came of it. */
export function SweepProgress({ sweep, classes }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const number = (value: number) => formatNumber(value, i18n.language);
  const nameOf = (id: string | null) => classes.find((one) => one.class_id === id)?.name ?? "";
  const what = t(`sweeps.what.${sweep.what}`, {
    from: nameOf(sweep.class_id),
    into: nameOf(sweep.into),
  });
  const left = Object.values(sweep.left).reduce((sum, one) => sum + one, 0);
  return (
    <div className={styles.root} role="status">
      <p className={styles.words}>
        {sweep.finished_at
          ? t("sweeps.done", { what, count: sweep.done })
          : t("sweeps.running", {
              what,
              looked: number(sweep.looked),
              items: number(sweep.items),
              count: sweep.done,
            })}
        {left > 0 && ` ${t("sweeps.left", { count: left })}`}
      </p>
      {!sweep.finished_at && (
        <ProgressBar
          total={sweep.items}
          parts={[{ count: sweep.looked, color: tokens.colorBrandBackground }]}
        />
      )}
    </div>
  );
}
