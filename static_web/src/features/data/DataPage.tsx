import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Skeleton,
  SkeletonItem,
  tokens,
} from "@fluentui/react-components";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearch } from "wouter";

import { progressQuery, sweepsQuery } from "@/api/queries";
import type { ItemLine, Project } from "@/api/types";
import { formatNumber } from "@/format";
import { useCommands } from "@/keys/keyboard";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { CommandButton } from "@/keys/CommandButton";
import { Message } from "@/ui/Message";
import { SweepProgress } from "@/ui/SweepProgress";

import { BulkMenu } from "./BulkMenu";
import { canBe, type Deed } from "./deeds";
import { FilterRail } from "./FilterRail";
import { isSearched, readFilters, readItem, writeFilters, type Filters } from "./filters";
import { Grid } from "./Grid";
import { LargeView } from "./LargeView";
import { itemQuery, itemsQuery, review, topQuery } from "./queries";
import { RejectDialog } from "./RejectDialog";
import { RestateDialog } from "./RestateDialog";
import { withTop } from "./list";

const useStyles = makeStyles({
  page: {
    display: "grid",
    gap: "16px 24px",
    gridTemplateColumns: "208px minmax(0, 1fr)",
    alignItems: "start",
    "@media (max-width: 860px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  rail: {
    position: "sticky",
    top: "64px",
    "@media (max-width: 860px)": { position: "static" },
  },
  list: { display: "grid", gap: "8px", minWidth: 0 },
  count: { margin: 0, color: tokens.colorNeutralForeground2 },
  bar: {
    position: "sticky",
    top: "48px",
    zIndex: 1,
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "4px 8px",
    minHeight: "44px",
    paddingBlock: "4px",
    backgroundColor: tokens.colorNeutralBackground2,
    // All that can be done with what is selected fits in one line, so that no image moves when one is chosen.
    "& .fui-Button": {
      minWidth: "fit-content",
      paddingInline: "8px",
      "@media (pointer: coarse)": { minWidth: "44px" },
    },
  },
  what: { fontWeight: 600, marginRight: "auto" },
});

interface Props {
  project: Project;
}

/** Every image of a project, by what is known of it: to look at, and to send back. */
export function DataPage({ project }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const { project_id: projectId, classes } = project;
  const [path, navigate] = useLocation();
  const search = useSearch();
  const filters = useMemo(() => readFilters(search), [search]);
  const large = readItem(search);
  const progress = useQuery(progressQuery(projectId)).data;
  const list = useItems(projectId, filters);
  const known = useQuery(sweepsQuery(projectId)).data ?? [];
  // What was under way while one looked stays to be read.
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const fresh = known.filter((one) => !one.finished_at && !seen.has(one.sweep_id));
  if (fresh.length) setSeen(new Set([...seen, ...fresh.map((one) => one.sweep_id)]));
  const sweeps = known.filter((one) => seen.has(one.sweep_id));
  const under = known.filter((one) => !one.finished_at).length;
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: ["items", projectId] });
    void queries.invalidateQueries({ queryKey: ["top", projectId] });
  }, [queries, projectId, under]);
  const { items, fetchMore } = list;

  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const lastChosen = useRef(0);
  const [asking, setAsking] = useState<Asking | null>(null);
  const [said, setSaid] = useState("");
  const scrolled = useRef(0);
  const chosen = items.filter((one) => selected.has(one.item_id));
  const at = items.findIndex((one) => one.item_id === large);
  const shown = useQuery({ ...itemQuery(projectId, large ?? ""), enabled: large !== null }).data;

  const isLarge = large !== null;
  useEffect(() => {
    if (isLarge) {
      window.scrollTo(0, 0);
      return;
    }
    const frame = requestAnimationFrame(() => window.scrollTo(0, scrolled.current));
    const note = () => {
      scrolled.current = window.scrollY;
    };
    window.addEventListener("scroll", note, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener("scroll", note);
    };
  }, [isLarge]);
  const show = (itemId?: string) =>
    navigate(path + writeFilters(filters, itemId), { replace: true });
  const step = (by: 1 | -1) => {
    const next = items[at + by];
    if (next) show(next.item_id);
    if (by === 1 && at + 2 >= items.length) fetchMore();
  };
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ["items", projectId] }),
      queries.invalidateQueries({ queryKey: ["top", projectId] }),
      queries.invalidateQueries({ queryKey: ["item", projectId] }),
      queries.invalidateQueries(progressQuery(projectId)),
    ]);
  const send = useMutation({
    mutationFn: ({ items: what, deed }: { items: readonly ItemLine[]; deed: Deed }) =>
      review(projectId, what, deed),
    onSuccess: async (statuses, { deed }) => {
      const left = statuses.filter((one) => one !== "done");
      const done = statuses.length - left.length;
      const text = [
        t(`data.did.${deed.what}`, { count: done }),
        ...[...new Set(left)].map((status) =>
          t(`data.left.${status}`, { count: left.filter((one) => one === status).length }),
        ),
      ].join(" ");
      setSaid(left.length ? text : "");
      announce(text);
      setAsking(null);
      setSelected(new Set());
      // Who goes through a list comes to the next one; the one that was done with may leave it.
      const next = items[at + 1] ?? (filters.state === "all" ? undefined : items[at - 1]);
      if (large !== null && done)
        show(
          deed.what.endsWith("pose")
            ? large
            : (next?.item_id ?? (deed.what === "approve" ? large : undefined)),
        );
      await refresh();
    },
    onError: (error) => setSaid(problemText(error)),
  });
  const subjects = (what: Deed["what"]) =>
    (large === null ? chosen : shown ? [shown] : []).filter((one) => canBe(what, one));
  const act = (what: Deed["what"]) => {
    const images = subjects(what);
    if (!images.length || send.isPending) return;
    send.reset();
    if (isAtOnce(what)) send.mutate({ items: images, deed: { what } });
    else setAsking({ what, items: images });
  };
  const can = (what: Deed["what"]) => subjects(what).length > 0;
  useCommands(
    "review",
    {
      approveItem: () => act(can("accept") ? "accept" : can("answer") ? "answer" : "approve"),
      rejectItem: () => act("reject"),
      ...(large === null && {
        selectAllItems: () => setSelected(new Set(items.map((one) => one.item_id))),
      }),
    },
    !asking,
  );
  const actions = (
    <>
      {can("accept") ? (
        <CommandButton
          id="approveItem"
          icon="check"
          text={t("data.accept")}
          onClick={() => act("accept")}
        />
      ) : can("answer") ? (
        <CommandButton
          id="approveItem"
          icon="ask"
          text={t("data.answer")}
          onClick={() => act("answer")}
        />
      ) : (
        <CommandButton
          id="approveItem"
          icon="check"
          disabled={!can("approve")}
          onClick={() => act("approve")}
        />
      )}
      <CommandButton
        id="rejectItem"
        icon="undo"
        disabled={!can("reject")}
        onClick={() => act("reject")}
      />
      {(["first", "leave_out"] as const).filter(can).map((what) => (
        <Button key={what} appearance="subtle" onClick={() => act(what)}>
          {t(`data.${what}`)}
        </Button>
      ))}
      {can("relabel") && (
        <Button appearance="subtle" onClick={() => act("relabel")}>
          {t("data.relabel")}
        </Button>
      )}
      {project.my_role === "admin" &&
        (["pose", "unpose"] as const).filter(can).map((what) => (
          <Button key={what} appearance="subtle" onClick={() => act(what)}>
            {t(`data.${what}`)}
          </Button>
        ))}
      {large === null && can("revert") && (
        <Button appearance="subtle" onClick={() => act("revert")}>
          {t("data.revert")}
        </Button>
      )}
    </>
  );
  const select = (index: number, isChosen: boolean, through: boolean) => {
    const [from, to] = through
      ? [Math.min(lastChosen.current, index), Math.max(lastChosen.current, index)]
      : [index, index];
    lastChosen.current = index;
    setSelected((before) => {
      const after = new Set(before);
      for (const { item_id: id } of items.slice(from, to + 1))
        if (isChosen) after.add(id);
        else after.delete(id);
      return after;
    });
  };
  const number = (value: number) => formatNumber(value, i18n.language);
  const all =
    progress &&
    (filters.state === "all" || filters.state === "available"
      ? progress.total
      : (progress.states[filters.state] ?? 0));
  const notice = said && (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>{said}</MessageBarBody>
    </MessageBar>
  );
  const answering = asking && {
    count: asking.items.length,
    busy: send.isPending,
    problem: send.isError ? problemText(send.error) : "",
    onSend: (deed: Deed) => send.mutate({ items: asking.items, deed }),
    onClose: () => setAsking(null),
  };
  const dialog =
    asking &&
    answering &&
    (asking.what === "relabel" || asking.what === "revert" ? (
      <RestateDialog what={asking.what} classes={classes} {...answering} />
    ) : (
      <RejectDialog what={asking.what} {...answering} />
    ));
  if (large !== null)
    return (
      <>
        {notice}
        <LargeView
          key={large}
          projectId={projectId}
          itemId={large}
          classes={classes}
          position={at < 0 ? null : { index: at, count: items.length }}
          actions={actions}
          onRevert={
            shown && canBe("revert", shown)
              ? (before) => send.mutate({ items: [shown], deed: { what: "revert", before } })
              : null
          }
          onStep={step}
          onDecided={() => {
            if (items[at + 1]) step(1);
            void refresh();
          }}
          onClose={() => show()}
        />
        {dialog}
      </>
    );
  return (
    <div className={styles.page}>
      <div className={styles.rail}>
        <FilterRail
          filters={filters}
          classes={classes}
          progress={progress}
          assisted={project.assist.on}
          onChange={(changed) => {
            setSelected(new Set());
            navigate(path + writeFilters(changed), { replace: true });
          }}
        />
      </div>
      <div className={styles.list}>
        {notice}
        <div className={styles.bar}>
          {chosen.length > 0 ? (
            <>
              <span className={styles.what}>{t("data.selected", { count: chosen.length })}</span>
              {actions}
              <Button
                appearance="subtle"
                onClick={() => setSelected(new Set(items.map((one) => one.item_id)))}
              >
                {t("data.selectAll", { count: items.length })}
              </Button>
              <Button appearance="subtle" onClick={() => setSelected(new Set())}>
                {t("data.selectNone")}
              </Button>
            </>
          ) : (
            <p className={styles.count} role="status" data-testid="items-shown">
              {isSearched(filters) && !list.complete
                ? t("data.searched", {
                    found: number(items.length),
                    searched: number(list.searched),
                    all: number(Math.max(all ?? 0, list.searched)),
                  })
                : t(list.complete ? "data.found" : "data.foundSome", { count: items.length })}
            </p>
          )}
          {items.length > 0 && (
            <BulkMenu projectId={projectId} filters={filters} classes={classes} />
          )}
        </div>
        {sweeps.slice(0, 3).map((one) => (
          <SweepProgress key={one.sweep_id} projectId={projectId} sweep={one} classes={classes} />
        ))}
        {list.error ? (
          <Message icon="warning" title={t("data.notShown")}>
            {problemText(list.error)}
          </Message>
        ) : !list.ready ? (
          <Skeleton aria-label={t("projects.loading")}>
            <SkeletonItem style={{ height: "320px" }} />
          </Skeleton>
        ) : items.length === 0 && list.complete ? (
          <Message icon="image" title={t("data.none")} />
        ) : (
          <Grid
            items={items}
            complete={list.complete}
            classes={classes}
            selected={selected}
            hrefOf={(itemId) => path + writeFilters(filters, itemId)}
            onSelect={select}
            onEnd={fetchMore}
          />
        )}
      </div>
      {dialog}
    </div>
  );
}

/** Images of which it is asked what exactly shall be done with them. */
interface Asking {
  what: Exclude<Deed["what"], AtOnce>;
  items: readonly ItemLine[];
}

/** Nothing is to be said of them before they are done. */
const atOnce = ["approve", "accept", "first", "pose", "unpose"] as const;
type AtOnce = (typeof atOnce)[number];

function isAtOnce(what: Deed["what"]): what is AtOnce {
  return atOnce.some((one) => one === what);
}

interface Found {
  items: readonly ItemLine[];
  ready: boolean;
  /** There are no more. */
  complete: boolean;
  searched: number;
  error: Error | null;
  fetchMore: () => void;
}

/** The images of a view, more of them as they are wanted, with what is new on top. */
function useItems(projectId: string, filters: Filters): Found {
  const queries = useQueryClient();
  const query = itemsQuery(projectId, filters);
  const pages = useInfiniteQuery(query);
  const top = useQuery(topQuery(projectId, filters)).data;
  const { data, hasNextPage, isFetching, fetchNextPage } = pages;
  const loaded = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const merged = useMemo(
    () => (data && top ? withTop(loaded, { items: top.items, whole: !top.next_cursor }) : loaded),
    [data, loaded, top],
  );
  const overtaken = merged === null;
  const { queryKey } = query;
  useEffect(() => {
    if (overtaken) void queries.invalidateQueries({ queryKey });
  }, [overtaken, queries, queryKey]);
  const fetchMore = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const items = merged ?? loaded;
  // Where nothing was found yet there is no end that could come into sight.
  useEffect(() => {
    if (data && !items.length) fetchMore();
  }, [data, items.length, fetchMore]);
  return {
    items,
    ready: Boolean(data),
    complete: Boolean(data) && !hasNextPage,
    searched: data?.pages.reduce((sum, page) => sum + page.searched, 0) ?? 0,
    error: data ? null : pages.error,
    fetchMore,
  };
}
