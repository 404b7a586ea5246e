/** Where the images behind a number are: the filters of the data page, as its address has them. */
export function imagesOf(projectId: string, filters: Record<string, string>): string {
  return `/projects/${projectId}/data?${new URLSearchParams(filters)}`;
}
