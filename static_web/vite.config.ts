import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { fakeApi } from "./tests/fakeApi.ts";

export default defineConfig(({ mode }) => ({
  // `npm run dev:fake` answers /api from memory; `npm run dev` passes it on to the local front door.
  plugins: [react(), ...(mode === "fake" ? [fakeApi()] : [])],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: { target: "es2023", modulePreload: { polyfill: false }, chunkSizeWarningLimit: 700 },
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
