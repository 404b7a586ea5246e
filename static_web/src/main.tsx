import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "@/app/App";
import { startI18n } from "@/i18n/i18n";

/** Not awaited by the module itself: the pages' chunks import from this one, and would wait for it. */
async function start(): Promise<void> {
  await startI18n();
  const root = document.getElementById("root");
  if (root)
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    );
}

void start();
