/** What the API answered in English, in the language of the page: by `type` and `code`, which are stable. */
import i18next, { type ParseKeys } from "i18next";

import { ApiError } from "@/api/client";

/** Why a request failed, for people. */
export function problemText(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : "";
  if (error.status === 0) return i18next.t("error.unreachableText");
  const [fault] = error.faults;
  if (fault && hasText(`codes.${fault.code}`)) return faultText(fault.code, fault.detail);
  return textOf(`types.${String(error.extra["type"])}`, error.message);
}

/** What is wrong at one place of a request, or with one image of a submission. */
export function faultText(code: string, detail: string): string {
  return textOf(`codes.${code}`, detail);
}

/** The API's own words where there is no translation: a problem of a newer version, or of a proxy. */
function textOf(key: string, detail: string): string {
  return hasText(key) ? i18next.t(keyOf(key), { detail }) : detail;
}

function hasText(key: string): boolean {
  return i18next.exists(keyOf(key));
}

function keyOf(key: string): ParseKeys {
  return `problems.${key}` as ParseKeys;
}
