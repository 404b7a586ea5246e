import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App, loadLabelPage } from "@/app/App";
import { startI18n } from "@/i18n/i18n";

/** Not awaited by the module itself: the pages' chunks may import from this one, and would wait for it. */
async function start(): Promise<void> {
  // Where React has to wait for a page's code, it shows it a third of a second late. What can't be loaded
  // is told by the page.
  const isLabeling = window.location.pathname.endsWith("/label");
  await Promise.all([startI18n(), isLabeling && loadLabelPage().catch(() => undefined)]);
  const root = document.getElementById("root");
  if (root)
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    );
}

void start();
