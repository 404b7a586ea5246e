import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

afterEach(cleanup);

// A busy machine opens a dialog later than in the second that is waited for otherwise.
configure({ asyncUtilTimeout: 30_000 });

// jsdom has none of these.
window.matchMedia = (media) =>
  Object.assign(new EventTarget(), {
    matches: false,
    media,
    onchange: null,
    addListener: () => undefined,
    removeListener: () => undefined,
  });
HTMLImageElement.prototype.decode = () => Promise.resolve();
globalThis.ResizeObserver = class {
  observe = () => undefined;
  unobserve = () => undefined;
  disconnect = () => undefined;
};
// Lists draw what there is room for.
Object.defineProperty(HTMLElement.prototype, "offsetHeight", { get: () => 400 });
HTMLElement.prototype.setPointerCapture = () => undefined;
HTMLElement.prototype.scrollIntoView = () => undefined;
