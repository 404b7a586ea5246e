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
    modulePreload: {
      polyfill: false,
      // index.html has the browser fetch what the first script needs; to ask again takes it time.
      resolveDependencies: (_, needed, { hostId }) => (hostId.includes("index-") ? [] : needed),
    },
    chunkSizeWarningLimit: 850,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // Groups take what their modules import with them, so that no two chunks need each other.
          groups: [
            {
              name: "boot",
              test: /src\/(api\/early|i18n\/texts|features\/label\/(session\/database|grid\/layouts))|preload-helper/,
              priority: 2,
            },
            { name: "main", test: /src\/main\.tsx$/, priority: 1 },
            // A request costs more than a few bytes that a page could do without.
            { name: "admin", test: /src\/features\/(?!label\/)/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  worker: {
    format: "es",
    rolldownOptions: {
      output: {
        // This one has a content security policy of its own: staticwebapp.config.json.
        entryFileNames: ({ name }) =>
          `assets/${name === "decoder" ? "clicks/" : ""}[name]-[hash].js`,
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
    restoreMocks: true,
    setupFiles: ["tests/setup.ts"],
    // Nothing else runs beside them; Vitest would leave a core to what looks on.
    maxWorkers: "100%",
    // A document costs a second a file; a `.test.ts` that needs one says so in its first line.
    projects: [
      {
        extends: true,
        test: { name: "rules", environment: "node", include: ["tests/**/*.test.ts"] },
      },
      {
        extends: true,
        test: {
          name: "pages",
          environment: "jsdom",
          include: ["tests/**/*.test.tsx"],
          // What the page takes back after seconds may be gone before such a machine has looked.
          retry: 2,
        },
      },
    ],
  },
}));

/** Has the browser fetch the app with the first script, not after that has run. */
function firstPage(): Plugin {
  return {
    name: "labelry:first-page",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle = {} }) => {
        const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
        const known = new Set(chunks.filter((one) => one.isEntry).flatMap((one) => one.imports));
        const app = chunks.filter((one) => one.name === "main" && !one.isEntry);
        return app
          .flatMap((one) => [one.fileName, ...one.imports])
          .filter((file) => !known.has(file))
          .map((file) => ({
            tag: "link",
            injectTo: "head", // behind the first script
            attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` },
          }));
      },
    },
  };
}
