/** How many images a labeler sees at once. */
export const layouts = [1, 4, 6, 9] as const;
export type Layout = (typeof layouts)[number];

const REMEMBERED = "labelry.layout";

export function rememberedLayout(): Layout {
  const remembered = Number(localStorage.getItem(REMEMBERED));
  return layouts.find((layout) => layout === remembered) ?? 4;
}

export function rememberLayout(layout: Layout): void {
  localStorage.setItem(REMEMBERED, String(layout));
}

export function columnsOf(layout: Layout, portrait: boolean): number {
  const columns = { 1: 1, 4: 2, 6: 3, 9: 3 }[layout];
  return portrait && layout === 6 ? 2 : columns;
}

export function rowsOf(layout: Layout, portrait: boolean): number {
  return layout / columnsOf(layout, portrait);
}

/** The images of the page that are shown: the screenful with the focus in it. */
export function screenful(focus: number, layout: Layout): number {
  return Math.floor(focus / layout) * layout;
}

/** The smallest layout with room for the images, so that a short page fills the screen too. */
export function fitting(layout: Layout, count: number): Layout {
  return layouts.find((one) => one >= Math.min(count, layout)) ?? layout;
}

const QUICK = "labelry.quick";

/** Whether a class key saves the image and shows the next at once. */
export function rememberedQuick(): boolean {
  return localStorage.getItem(QUICK) === "on";
}

export function rememberQuick(quick: boolean): void {
  localStorage.setItem(QUICK, quick ? "on" : "off");
}
