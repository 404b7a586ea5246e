import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AssistView, LabelClass } from "@/api/types";
import { formatNumber, formatPercent } from "@/format";
import { FactsTable } from "@/ui/FactsTable";

const useStyles = makeStyles({
  quiet: { color: tokens.colorNeutralForeground3, margin: "8px 0 0" },
});

type Lift = NonNullable<AssistView["lift"]>;

interface Props {
  lift: Lift;
  withdrawn: AssistView["withdrawn"];
  classes: readonly LabelClass[];
}

/** What suggestions came to, beside images that are kept without; and the classes they made worse. */
export function LiftTable({ lift, withdrawn, classes }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const number = (value: number) => formatNumber(value, i18n.language);
  const rows: [
    "images" | "agreed" | "seconds" | "corrections",
    (side: Lift["blind"], assisted: boolean) => string,
  ][] = [
    ["images", (side) => number(side.images)],
    [
      "agreed",
      (side) => (side.images ? formatPercent(side.agreed / side.images, i18n.language) : "–"),
    ],
    ["seconds", (side) => (side.seconds === null ? "–" : number(side.seconds))],
    ["corrections", (_, assisted) => (assisted ? number(lift.corrections) : "–")],
  ];
  const gone = classes.filter((one) => one.class_id in withdrawn);
  return (
    <>
      <FactsTable
        title={t("assist.lift.title")}
        columns={["", t("assist.lift.assisted"), t("assist.lift.blind")]}
        rows={rows.map(([name, of]) => ({
          key: name,
          cells: [t(`assist.lift.${name}`), of(lift.assisted, true), of(lift.blind, false)],
        }))}
      />
      {gone.map((one) => (
        <p key={one.class_id} className={styles.quiet}>
          {t(withdrawn[one.class_id] === "slow" ? "assist.lift.slow" : "assist.lift.wrong", {
            name: one.name,
          })}
        </p>
      ))}
    </>
  );
}
