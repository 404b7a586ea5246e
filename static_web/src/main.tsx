import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App, loadLabelPage } from "@/app/App";
import { startI18n } from "@/i18n/i18n";

// Where React has to wait for a page's code, it shows it a third of a second late.
const isLabeling = window.location.pathname.endsWith("/label");
await Promise.all([startI18n(), isLabeling && loadLabelPage()]);
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
