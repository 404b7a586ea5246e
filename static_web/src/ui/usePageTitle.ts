import { useEffect } from "react";
import { useTranslation } from "react-i18next";

/** Names the page in the browser's tab and history, the nearest name first; unknown ones are left out. */
export function usePageTitle(...names: (string | undefined)[]): void {
  const { t } = useTranslation();
  const title = [...names, t("name")].filter(Boolean).join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
