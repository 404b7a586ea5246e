import { FluentProvider } from "@fluentui/react-components";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";

import { addAdminTexts, startI18n } from "@/i18n/i18n";
import { lightTheme } from "@/theme";

/** Answers of the API by `METHOD /path`; a function answers each request anew. */
export type Answers = Record<string, unknown>;
type Reply = (request: Request) => Promise<Response>;

/** Renders a page at a place of the app; the API gives these answers. */
export async function renderAt(path: string, page: ReactNode, answers: Answers) {
  vi.stubGlobal("fetch", (request: Request) => {
    const key = `${request.method} ${new URL(request.url).pathname}`;
    const answer = answers[key];
    if (typeof answer === "function") return (answer as Reply)(request);
    return Promise.resolve(
      key in answers ? Response.json(answer) : Response.json({ detail: key }, { status: 404 }),
    );
  });
  localStorage.setItem("labelry.language", "en");
  await startI18n();
  await addAdminTexts();
  const { hook, searchHook, history } = memoryLocation({ path, record: true });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <FluentProvider theme={lightTheme}>
      <QueryClientProvider client={queries}>
        <Router hook={hook} searchHook={searchHook}>
          {page}
        </Router>
      </QueryClientProvider>
    </FluentProvider>,
  );
  return { history, queries };
}
