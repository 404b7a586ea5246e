/** Which files can be uploaded. What the API refuses on top of this it says itself. */

export interface Chosen {
  file: File;
  /** With its folders, when a folder was chosen. */
  path: string;
}

const ENDINGS: Record<string, string> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  jpe: "image/jpeg",
  jfif: "image/jpeg",
  png: "image/png",
  bmp: "image/bmp",
  tif: "image/tiff",
  tiff: "image/tiff",
  dcm: "application/dicom",
  dicom: "application/dicom",
};

export const ACCEPT = Object.keys(ENDINGS)
  .map((ending) => `.${ending}`)
  .join(",");

export function mediaOf(path: string): string | null {
  return ENDINGS[path.slice(path.lastIndexOf(".") + 1).toLowerCase()] ?? null;
}

/** The files of an input; those of a chosen folder keep their place in it. */
export function chosenFiles(list: FileList): Chosen[] {
  return [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** The files of a drop, folders read through. */
export async function droppedFiles(items: DataTransferItemList): Promise<Chosen[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((one) => one !== null);
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<Chosen[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  // A reader gives at most 100 entries a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesOf))).flat();
}
