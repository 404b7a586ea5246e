import {
  Button,
  Field,
  Input,
  makeStyles,
  mergeClasses,
  tokens,
  Tooltip,
} from "@fluentui/react-components";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, ApiError, unwrap } from "@/api/client";
import { Icon } from "@/ui/Icon";
import { Thumbnail } from "@/ui/Thumbnail";

const MOST = 3;
const PAGE = 24;

const useStyles = makeStyles({
  slots: {
    display: "grid",
    gridTemplateColumns: "repeat(3, minmax(0, 1fr))",
    gap: "8px",
    maxWidth: "560px",
  },
  slot: { position: "relative", minWidth: 0 },
  empty: {
    aspectRatio: "4 / 3",
    border: `1px dashed ${tokens.colorNeutralStroke1}`,
    borderRadius: "4px",
    boxSizing: "border-box",
  },
  remove: {
    position: "absolute",
    top: "4px",
    right: "4px",
    backgroundColor: tokens.colorNeutralBackground1,
  },
  path: { display: "flex", gap: "8px" },
  grow: { flex: 1, minWidth: 0 },
  choice: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fill, minmax(88px, 1fr))",
    gap: "6px",
    maxHeight: "212px",
    overflowY: "auto",
    padding: "2px",
    marginTop: "8px",
  },
  image: {
    display: "grid",
    padding: 0,
    border: "none",
    borderRadius: "4px",
    backgroundColor: "transparent",
    cursor: "pointer",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
    ":hover:enabled": { opacity: 0.85 },
    ":disabled": { opacity: 0.4, cursor: "default" },
  },
  chosen: { outline: `2px solid ${tokens.colorCompoundBrandStroke}` },
  more: { gridColumn: "1 / -1", justifySelf: "start" },
});

export interface Example {
  path: string;
  url: string;
}

interface Props {
  projectId: string;
  examples: Example[];
  problem: string | undefined;
  onChange: (examples: Example[]) => void;
}

/** Up to three of the project's images, chosen by sight or by path. */
export function ExamplePicker({ projectId, examples, problem, onChange }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [path, setPath] = useState("");
  const [notFound, setNotFound] = useState("");
  const page = (query: { limit?: number; cursor?: string; path?: string }) =>
    unwrap(
      api.GET("/api/projects/{project_id}/items", {
        params: { path: { project_id: projectId }, query },
      }),
    );
  const images = useInfiniteQuery({
    queryKey: ["images", projectId],
    queryFn: ({ pageParam }) => page({ limit: PAGE, ...(pageParam && { cursor: pageParam }) }),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
    staleTime: Infinity,
  });
  const full = examples.length >= MOST;
  const has = (one: string) => examples.some((example) => example.path === one);
  const toggle = (one: Example): void => {
    setNotFound("");
    if (has(one.path)) onChange(examples.filter((example) => example.path !== one.path));
    else if (!full) onChange([...examples, one]);
  };
  const addPath = async (): Promise<void> => {
    const wanted = path.trim();
    if (!wanted || full) return;
    try {
      const found = (await page({ path: wanted })).items[0];
      if (!found) {
        setNotFound(t("classes.noImage", { path: wanted }));
        return;
      }
      if (!has(found.path)) toggle({ path: found.path, url: found.images.thumbnail });
      setPath("");
    } catch (error) {
      const known = error instanceof ApiError && error.status;
      setNotFound(known ? error.message : t("error.unreachableText"));
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void addPath();
  };
  const said = notFound || problem;
  return (
    <div>
      <Field label={t("classes.examples")} hint={t("classes.examplesHint")}>
        <div className={styles.slots} role="group" aria-label={t("classes.examples")}>
          {examples.map((one) => (
            <div key={one.path} className={styles.slot} title={one.path}>
              <Thumbnail src={one.url} alt={one.path} />
              <Tooltip content={t("classes.remove", { path: one.path })} relationship="label">
                <Button
                  size="small"
                  className={styles.remove}
                  icon={<Icon name="clear" size={16} />}
                  onClick={() => toggle(one)}
                />
              </Tooltip>
            </div>
          ))}
          {Array.from({ length: MOST - examples.length }, (_, at) => (
            <div key={at} className={styles.empty} aria-hidden />
          ))}
        </div>
      </Field>
      <div className={styles.choice} role="group" aria-label={t("classes.choose")}>
        {images.data?.pages
          .flatMap((one) => one.items)
          .map(({ item_id, path: one, images: { thumbnail } }) => (
            <button
              key={item_id}
              type="button"
              className={mergeClasses(styles.image, has(one) && styles.chosen)}
              aria-pressed={has(one)}
              title={one}
              disabled={full && !has(one)}
              onClick={() => toggle({ path: one, url: thumbnail })}
            >
              <Thumbnail src={thumbnail} alt={one} />
            </button>
          ))}
        {images.hasNextPage && (
          <Button
            size="small"
            className={styles.more}
            disabledFocusable={images.isFetchingNextPage}
            onClick={() => void images.fetchNextPage()}
          >
            {t("classes.more")}
          </Button>
        )}
      </div>
      <Field
        label={t("classes.path")}
        style={{ marginTop: "8px" }}
        {...(said && { validationMessage: said })}
      >
        <div className={styles.path}>
          <Input
            className={styles.grow}
            value={path}
            disabled={full}
            aria-label={t("classes.path")}
            onChange={(_, data) => setPath(data.value)}
            onKeyDown={onKeyDown}
          />
          <Button disabled={full || !path.trim()} onClick={() => void addPath()}>
            {t("classes.addPath")}
          </Button>
        </div>
      </Field>
    </div>
  );
}
