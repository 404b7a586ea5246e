import i18next from "i18next";

/** Why a file was refused, in the person's language where there are words for it. */
export function refusalText({ code, why }: { code: string; why: string }): string {
  return i18next.t(`upload.refused.${code}` as never, { defaultValue: why });
}
