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
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import type { PairAgreement } from "@/api/types";
import { formatNumber } from "@/format";
import { Thumbnail } from "@/ui/Thumbnail";
import { useFocusBack } from "@/ui/useFocusBack";

const useStyles = makeStyles({
  list: {
    display: "grid",
    gap: "16px",
    gridTemplateColumns: "repeat(auto-fill, minmax(150px, 1fr))",
    margin: 0,
    padding: 0,
    listStyle: "none",
  },
  link: { display: "block" },
  facts: { display: "grid", gap: "2px", margin: "4px 0 0", padding: 0, listStyle: "none" },
  fact: { overflowWrap: "anywhere" },
  quiet: { color: tokens.colorNeutralForeground3, margin: "0 0 12px" },
});

interface Props {
  projectId: string;
  people: readonly [string, string];
  found: PairAgreement;
  /** Of a class, or that nothing was said. */
  named: (classId: string) => string;
  onClose: () => void;
}

/** The images of which two people do not say the same, with what each said; each leads to the image. */
export function DifferingDialog({ projectId, people, found, named, onClose }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  useFocusBack(true);
  const [first, second] = people;
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogSurface style={{ maxWidth: "900px" }}>
        <DialogBody>
          <DialogTitle>{t("quality.pair.apart", { first, second })}</DialogTitle>
          <DialogContent>
            {found.items.length < found.differing && (
              <p className={styles.quiet}>
                {t("quality.pair.some", {
                  shown: formatNumber(found.items.length, i18n.language),
                  count: found.differing,
                })}
              </p>
            )}
            <ul className={styles.list}>
              {found.items.map((one) => (
                <li key={one.item_id}>
                  <Link
                    className={styles.link}
                    href={`/projects/${projectId}/data?state=all&item=${one.item_id}`}
                  >
                    <Thumbnail src={one.images.thumbnail} alt={one.path} />
                  </Link>
                  <ul className={styles.facts}>
                    {one.differences.map((each) => (
                      <li key={`${each.first} ${each.second}`} className={styles.fact}>
                        {t("quality.pair.said", {
                          first: named(each.first),
                          second: named(each.second),
                        })}
                        {each.count > 1 && ` ×${formatNumber(each.count, i18n.language)}`}
                      </li>
                    ))}
                  </ul>
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
