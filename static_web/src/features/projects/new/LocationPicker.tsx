import {
  Breadcrumb,
  BreadcrumbButton,
  BreadcrumbDivider,
  BreadcrumbItem,
  Button,
  Field,
  Input,
  Link,
  makeStyles,
  Switch,
  tokens,
} from "@fluentui/react-components";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { formatBytes } from "@/format";
import { problemText } from "@/problems";
import { Icon } from "@/ui/Icon";

import { ContainerField } from "./ContainerField";
import { LocationPreview } from "./LocationPreview";
import { folderQuery } from "./queries";

const useStyles = makeStyles({
  stack: { display: "grid", gap: "12px", minWidth: 0 },
  two: {
    display: "grid",
    gap: "16px 24px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    "@media (max-width: 860px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  crumbs: { minWidth: 0, overflowX: "auto" },
  list: {
    margin: 0,
    padding: "4px 8px",
    listStyle: "none",
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "4px",
    height: "280px",
    overflowY: "auto",
  },
  row: {
    display: "flex",
    alignItems: "center",
    gap: "8px",
    minHeight: "28px",
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
  name: { flex: 1, minWidth: 0, overflow: "hidden", textOverflow: "ellipsis" },
  quiet: { color: tokens.colorNeutralForeground3 },
});

export interface Place {
  location: string;
  pattern: string;
}

interface Props extends Place {
  disabled: boolean;
  onChange: (place: Partial<Place>) => void;
}

const EVERYTHING = "**/*.*";

/** The pattern of a folder (empty or ending with a slash), with or without the folders below it. */
export function patternOf(folder: string, deep: boolean): string {
  if (!folder) return deep ? EVERYTHING : "/";
  return deep ? `${folder}**` : folder;
}

/** The folder that a pattern is about, and whether it takes in those below. */
export function folderOf(pattern: string): { folder: string; deep: boolean } {
  if (pattern === EVERYTHING) return { folder: "", deep: true };
  if (pattern === "/") return { folder: "", deep: false };
  const folder = pattern.replace(/\*\*$/, "");
  return { folder, deep: folder !== pattern };
}

/** A container and which of its images: by walking through its folders, or by writing the pattern. */
export function LocationPicker({ location, pattern, disabled, onChange }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [typed, setTyped] = useState<string | null>(null);
  const { folder, deep } = folderOf(pattern);
  const go = (to: string, below = deep) => {
    setTyped(null);
    onChange({ pattern: patternOf(to, below) });
  };
  const take = () => {
    if (typed !== null && typed !== pattern) onChange({ pattern: typed });
  };
  return (
    <div className={styles.stack}>
      <ContainerField
        label={t("new.container")}
        none={t("new.choose")}
        location={location}
        disabled={disabled}
        onChange={(chosen) => {
          setTyped(null);
          onChange({ location: chosen, pattern: EVERYTHING });
        }}
      />
      {location && (
        <>
          <div className={styles.two}>
            <div className={styles.stack}>
              <Crumbs location={location} folder={folder} onGo={go} />
              <Folder location={location} folder={folder} disabled={disabled} onGo={go} />
            </div>
            <div className={styles.stack}>
              <Field label={t("new.pattern")} hint={t("new.patternHint")}>
                <Input
                  value={typed ?? pattern}
                  spellCheck={false}
                  disabled={disabled}
                  onChange={(_, data) => setTyped(data.value)}
                  onBlur={take}
                  onKeyDown={(event: KeyboardEvent) => {
                    if (event.key !== "Enter") return;
                    event.preventDefault();
                    take();
                  }}
                />
              </Field>
              <Switch
                label={t("new.below")}
                checked={deep}
                disabled={disabled}
                onChange={(_, data) => go(folder, data.checked)}
              />
              <LocationPreview location={location} pattern={pattern} />
            </div>
          </div>
        </>
      )}
    </div>
  );
}

interface FolderProps {
  location: string;
  folder: string;
  onGo: (folder: string) => void;
}

function Crumbs({ location, folder, onGo }: FolderProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const parts = folder.split("/").slice(0, -1);
  return (
    <Breadcrumb className={styles.crumbs} aria-label={t("new.folders")}>
      <BreadcrumbItem>
        <BreadcrumbButton current={!parts.length} onClick={() => onGo("")}>
          {location}
        </BreadcrumbButton>
      </BreadcrumbItem>
      {parts.map((part, at) => (
        <Fragment key={parts.slice(0, at + 1).join("/")}>
          <BreadcrumbDivider />
          <BreadcrumbItem>
            <BreadcrumbButton
              current={at === parts.length - 1}
              onClick={() => onGo(`${parts.slice(0, at + 1).join("/")}/`)}
            >
              {part}
            </BreadcrumbButton>
          </BreadcrumbItem>
        </Fragment>
      ))}
    </Breadcrumb>
  );
}

function Folder({
  location,
  folder,
  disabled,
  onGo,
}: FolderProps & { disabled: boolean }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const pages = useInfiniteQuery(folderQuery(location, folder));
  const folders = pages.data?.pages.flatMap((page) => page.folders) ?? [];
  const blobs = pages.data?.pages.flatMap((page) => page.blobs) ?? [];
  return (
    <ul className={styles.list} aria-label={t("new.inFolder")} aria-busy={pages.isFetching}>
      {pages.isError && <li className={styles.row}>{problemText(pages.error)}</li>}
      {pages.isSuccess && !folders.length && !blobs.length && (
        <li className={styles.row}>
          <span className={styles.quiet}>{t("new.emptyFolder")}</span>
        </li>
      )}
      {folders.map(({ prefix }) => (
        <li key={prefix} className={styles.row}>
          <Icon name="folder" size={16} />
          <Link as="button" type="button" disabled={disabled} onClick={() => onGo(prefix)}>
            {prefix.slice(folder.length, -1)}
          </Link>
        </li>
      ))}
      {blobs.map(({ path, size }) => (
        <li key={path} className={styles.row}>
          <Icon name="file" size={16} />
          <span className={styles.name}>{path.slice(folder.length)}</span>
          <span className={styles.quiet}>{formatBytes(size, i18n.language)}</span>
        </li>
      ))}
      {pages.hasNextPage && (
        <li className={styles.row}>
          <Button
            size="small"
            disabledFocusable={pages.isFetchingNextPage}
            onClick={() => void pages.fetchNextPage()}
          >
            {t("new.more")}
          </Button>
        </li>
      )}
    </ul>
  );
}
