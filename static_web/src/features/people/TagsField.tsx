import { Input, makeStyles } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Member } from "@/api/types";
import { parseWords } from "@/words";

const useStyles = makeStyles({
  field: {
    minWidth: 0,
    maxWidth: "360px",
    marginTop: "2px",
    "& input": { minWidth: 0, width: "100%" },
  },
});

interface Props {
  member: Member;
  disabled: boolean;
  onChange: (tags: string[]) => void;
}

/** The tags of a member; kept when the field is left, or at Enter. */
export function TagsField({ member, disabled, onChange }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const kept = member.tags.join(", ");
  const [typed, setTyped] = useState<string | null>(null);
  const keep = () => {
    const tags = parseWords(typed ?? kept);
    setTyped(null);
    if (tags.join(", ") !== kept) onChange(tags);
  };
  return (
    <Input
      className={styles.field}
      aria-label={t("people.tagsOf", { name: member.name || member.member_id })}
      placeholder={t("people.tags")}
      value={typed ?? kept}
      disabled={disabled}
      onChange={(_, data) => setTyped(data.value)}
      onBlur={keep}
      onKeyDown={(event) => {
        if (event.key === "Enter") keep();
        if (event.key === "Escape") setTyped(null);
      }}
    />
  );
}
