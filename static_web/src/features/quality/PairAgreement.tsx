import { Button, Field, makeStyles, Select, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Project } from "@/api/types";
import { formatNumber } from "@/format";
import { problemText } from "@/problems";
import { FactsTable } from "@/ui/FactsTable";

import { DifferingDialog } from "./DifferingDialog";
import { pairQuery } from "./queries";

const useStyles = makeStyles({
  two: {
    display: "grid",
    gap: "12px 16px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    marginTop: "16px",
    "& .fui-Select, & select": { minWidth: 0, width: "100%" },
  },
  sentence: { margin: "8px 0 0" },
  quiet: { color: tokens.colorNeutralForeground3, margin: "4px 0 0" },
  button: { marginTop: "8px", "@media (pointer: coarse)": { minHeight: "44px" } },
});

interface Props {
  project: Project;
  people: readonly { user: string; name: string }[];
}

/** How far two people agree beyond chance, and what they say otherwise. */
export function PairAgreement({ project, people }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [chosen, setChosen] = useState<readonly [string, string]>(["", ""]);
  const [first, second] = chosen;
  const [looking, setLooking] = useState(false);
  const ready = first !== "" && second !== "" && first !== second;
  const { data: found, error } = useQuery({
    ...pairQuery(project.project_id, first, second),
    enabled: ready,
  });
  const two = (value: number) => formatNumber(Math.round(value * 100) / 100, i18n.language);
  const classNames = new Map(project.classes.map((one) => [one.class_id, one.name]));
  const named = (id: string) => (id ? (classNames.get(id) ?? id) : t("quality.pair.not"));
  const nameOf = (user: string) => people.find((one) => one.user === user)?.name || user;
  const { kappa, low, high, word } = found?.kappa ?? {};
  const choice = (label: string, value: string, change: (user: string) => void) => (
    <Field label={label}>
      <Select value={value} onChange={(_, data) => change(data.value)}>
        <option value="">{t("quality.pair.nobody")}</option>
        {people.map((one) => (
          <option key={one.user} value={one.user}>
            {one.name || one.user}
          </option>
        ))}
      </Select>
    </Field>
  );
  return (
    <>
      <div className={styles.two}>
        {choice(t("quality.pair.first"), first, (user) => setChosen([user, second]))}
        {choice(t("quality.pair.second"), second, (user) => setChosen([first, user]))}
      </div>
      {ready && error && <p role="alert">{problemText(error)}</p>}
      {ready && found && (
        <>
          <p className={styles.sentence}>
            {typeof kappa === "number" &&
            typeof low === "number" &&
            typeof high === "number" &&
            word
              ? `${t("quality.pair.kappa", {
                  kappa: t("quality.interval", {
                    alpha: two(kappa),
                    low: two(low),
                    high: two(high),
                  }),
                })} ${t(`quality.pair.words.${word}`)}`
              : t("quality.pair.none")}
          </p>
          <p className={styles.quiet}>
            {t("quality.pair.images", { count: found.images })}{" "}
            {found.sampled && t("quality.pair.sampled")}
          </p>
          {found.differing > 0 && (
            <Button size="small" className={styles.button} onClick={() => setLooking(true)}>
              {t("quality.pair.look", { count: found.differing })}
            </Button>
          )}
          {looking && (
            <DifferingDialog
              projectId={project.project_id}
              people={[nameOf(first), nameOf(second)]}
              found={found}
              named={named}
              onClose={() => setLooking(false)}
            />
          )}
          {found.differences.length > 0 && (
            <FactsTable
              title={t("quality.pair.differences")}
              columns={[nameOf(first), nameOf(second), t("quality.pair.count")]}
              rows={found.differences.map((one) => ({
                key: `${one.first} ${one.second}`,
                cells: [
                  named(one.first),
                  named(one.second),
                  formatNumber(one.count, i18n.language),
                ],
              }))}
            />
          )}
        </>
      )}
    </>
  );
}
