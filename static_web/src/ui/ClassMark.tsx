import type { ReactNode } from "react";

import { classColor } from "@/classColors";

/** The colour of a class; the name always stands beside it. */
export function ClassMark({ colour, size = 12 }: { colour: number; size?: number }): ReactNode {
  const { color, dashed } = classColor(colour);
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 12 12"
      aria-hidden
      focusable="false"
      style={{ flex: "none" }}
    >
      <rect width="12" height="12" rx="2.5" fill={color} />
      {dashed && <rect x="4" y="4" width="4" height="4" fill="#000" opacity="0.6" />}
    </svg>
  );
}
