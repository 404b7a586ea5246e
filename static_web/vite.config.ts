import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

import { fakeApi } from "./tests/fakeApi.ts";

export default defineConfig(({ mode }) => ({
  // `npm run dev:fake` answers /api from memory; `npm run dev` passes it on to the local front door.
  plugins: [react(), firstPage(), ...(mode === "fake" ? [fakeApi()] : [])],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // A request costs more than a few bytes that a page could do without.
          groups: [
            {
              name: "boot",
              test: /src\/(api\/early|i18n\/texts)|preload-helper|rolldown/,
              priority: 1,
            },
            {
              name: "shared",
              minShareCount: 2,
              entriesAware: true,
              entriesAwareMergeThreshold: 40_000,
            },
          ],
        },
      },
    },
  },
  server:
    mode === "fake"
      ? { host: "127.0.0.1" }
      : {
          host: "127.0.0.1",
          proxy: { "/api": "http://127.0.0.1:4280", "/.auth": "http://127.0.0.1:4280" },
        },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
  },
}));

/** Has the browser fetch the code of the labeling page with the first script, not after it has run. */
function firstPage(): Plugin {
  const pages = ["/src/main.tsx", "/src/features/tasks/LabelPage.tsx"];
  return {
    name: "labelry:first-page",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle = {} }) => {
        const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
        const byFile = new Map(chunks.map((one) => [one.fileName, one]));
        const withImports = (files: string[]) => {
          const all = new Set(files);
          for (const file of all) byFile.get(file)?.imports.forEach((one) => all.add(one));
          return all;
        };
        const isPage = (id: string | null) => pages.some((page) => id?.endsWith(page));
        const first = chunks.filter((one) => isPage(one.facadeModuleId));
        const wanted = withImports(first.map((one) => one.fileName));
        const entries = chunks.filter((one) => one.isEntry);
        for (const known of withImports(entries.map((one) => one.fileName))) wanted.delete(known);
        return [...wanted].map((file) => ({
          tag: "link",
          injectTo: "head", // behind the first script
          attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` },
        }));
      },
    },
  };
}
