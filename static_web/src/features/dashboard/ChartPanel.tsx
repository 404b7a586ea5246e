import { ToggleButton } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Panel } from "@/ui/Panel";

interface Props {
  title: string;
  /** What else the chart can be set to. */
  action?: ReactNode;
  /** The same numbers, as a table. */
  table: ReactNode;
  children: ReactNode;
}

/** A chart that can be read as a table. */
export function ChartPanel({ title, action, table, children }: Props): ReactNode {
  const { t } = useTranslation();
  const [asTable, setAsTable] = useState(false);
  return (
    <Panel
      title={title}
      action={
        <span>
          {!asTable && action}
          <ToggleButton
            size="small"
            appearance="subtle"
            checked={asTable}
            aria-label={`${t("dashboard.asTable")}: ${title}`}
            onClick={() => setAsTable(!asTable)}
          >
            {t("dashboard.asTable")}
          </ToggleButton>
        </span>
      }
    >
      {asTable ? table : children}
    </Panel>
  );
}
