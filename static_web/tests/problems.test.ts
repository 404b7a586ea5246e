// @vitest-environment jsdom
import { beforeEach, expect, it } from "vitest";

import { ApiError } from "@/api/client";
import { changeLanguage, startI18n } from "@/i18n/i18n";
import { faultText, problemText } from "@/problems";

beforeEach(async () => {
  await startI18n();
  await changeLanguage("ko");
});

it("says in Korean what the API says in English, by its type", () => {
  const missing = new ApiError(404, { type: "not-found", detail: "there is no such task" });
  expect(problemText(missing)).toBe(
    "찾을 수 없습니다. 삭제되었거나 접근 권한이 없습니다. (there is no such task)",
  );
});

it("goes by the first place that is wrong, where that is named", () => {
  const errors = [{ pointer: "/name", code: "name-used", detail: "used" }];
  const used = new ApiError(422, { type: "invalid", detail: "taken", errors });
  expect(problemText(used)).toMatch(/^이미 사용했거나 사용 중인 프로젝트 이름입니다/);
});

it("falls back on the API's own words, of a newer version or of a proxy", () => {
  expect(problemText(new ApiError(409, { type: "too-new", detail: "not now" }))).toBe("not now");
  expect(problemText(new ApiError(502, { title: "Bad Gateway" }))).toBe("Bad Gateway");
  expect(faultText("too-new", "not this")).toBe("not this");
});

it("says that nothing is lost where the API could not be reached", () => {
  expect(problemText(new ApiError(0))).toMatch(/^잃어버린 작업은 없습니다/);
});
