/** How the lines of several people are told apart, by their place; the colours are those of classes. */
const DASHES = ["none", "12 6", "3 5", "16 5 3 5", "26 8"] as const;

export function dashOf(place: number): string {
  return DASHES[place % DASHES.length] ?? DASHES[0];
}
