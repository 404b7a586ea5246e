import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";

import { Icon } from "./Icon";

const useStyles = makeStyles({
  frame: {
    position: "relative",
    display: "grid",
    placeContent: "center",
    aspectRatio: "4 / 3",
    minWidth: 0,
    overflow: "hidden",
    borderRadius: "4px",
    backgroundColor: tokens.colorNeutralBackground4,
    color: tokens.colorNeutralForeground3,
  },
  image: { position: "absolute", inset: 0, width: "100%", height: "100%", objectFit: "contain" },
});

interface Props {
  /** Undefined while its address is not known yet. */
  src: string | undefined;
  alt: string;
  className?: string;
  /** `eager` where only what is in sight is there at all. */
  loading?: "lazy" | "eager";
}

/** A whole image, never cropped, in a frame that has its size before the image is there. */
export function Thumbnail({ src, alt, className, loading = "lazy" }: Props): ReactNode {
  const styles = useStyles();
  const [failed, setFailed] = useState("");
  return (
    <span className={mergeClasses(styles.frame, className)}>
      {src !== undefined && failed === src ? (
        <span {...(alt ? { role: "img", "aria-label": alt } : { "aria-hidden": true })}>
          <Icon name="image" size={24} />
        </span>
      ) : (
        src !== undefined && (
          <img
            src={src}
            alt={alt}
            loading={loading}
            decoding="async"
            draggable={false}
            className={styles.image}
            onError={() => setFailed(src)}
          />
        )
      )}
    </span>
  );
}
