import type { CommandId } from "@/keys/commands";

/** Commands that mean something for TIFF and DICOM alone. */
export const ofFrames = [
  "previousFrame",
  "nextFrame",
  "cine",
  "copyToNextFrame",
  "windowing",
  "invert",
  "resetWindow",
] as const satisfies readonly CommandId[];
