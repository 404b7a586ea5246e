import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AssistView, LabelClass } from "@/api/types";
import { formatNumber } from "@/format";
import { FactsTable } from "@/ui/FactsTable";

type Lift = NonNullable<AssistView["lift"]>;
type Shapes = NonNullable<Lift["shapes"]>;

const COLUMNS = ["kept", "mended", "removed", "added", "overlap", "moved_px", "points"] as const;

/** What became of suggested boxes or polygons in labelers' hands, of all and of each class. */
export function MendingTable({
  lift,
  classes,
}: {
  lift: Lift;
  classes: readonly LabelClass[];
}): ReactNode {
  const { t, i18n } = useTranslation();
  if (!lift.shapes) return null;
  const names = new Map(classes.map((one) => [one.class_id, one.name]));
  const rows: [string, string, Shapes][] = [
    ["", t("assist.mending.all"), lift.shapes],
    ...lift.classes.flatMap((one): [string, string, Shapes][] =>
      one.shapes ? [[one.class_id, names.get(one.class_id) ?? one.class_id, one.shapes]] : [],
    ),
  ];
  return (
    <FactsTable
      title={t("assist.mending.title")}
      columns={["", ...COLUMNS.map((one) => t(`assist.mending.${one}`))]}
      rows={rows.map(([key, name, of]) => ({
        key,
        cells: [
          name,
          ...COLUMNS.map((one) => {
            const value = of[one];
            return value === null ? "–" : formatNumber(value, i18n.language);
          }),
        ],
      }))}
    />
  );
}
