/** Tags as they are typed, with commas between. */
export function parseTags(text: string): string[] {
  return text
    .split(/[,，、\n]/)
    .map((one) => one.trim())
    .filter(Boolean);
}
