/**
 * The first code of the app, small enough to be there at once: asks for everything the first page needs
 * at the same time, rather than each when the one before it has come.
 */
import { askEarly } from "@/api/early";
import { loadTexts, preferred } from "@/i18n/texts";

void import("./main");
void loadTexts(preferred());
askEarly("/api/me");

const labeling = /^\/projects\/([^/]+)\/label$/.exec(window.location.pathname);
if (labeling) {
  const project = `/api/projects/${labeling[1]}`;
  askEarly(project);
  askEarly(`${project}/tasks?mine=true&state=open`);
}
