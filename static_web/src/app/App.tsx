import { FluentProvider, makeStyles, tokens } from "@fluentui/react-components";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useSyncExternalStore, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Route, Switch } from "wouter";

import { ApiError } from "@/api/client";
import { useMe } from "@/api/queries";
import LabelPage from "@/features/label/LabelPage";
import { addAdminTexts } from "@/i18n/i18n";
import { darkTheme, lightTheme } from "@/theme";
import { Announcer } from "@/ui/announcer";
import { chunk } from "@/ui/chunk";
import { Message } from "@/ui/Message";

import { ErrorBoundary } from "./ErrorBoundary";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

const CanvasStage = chunk(() => import("@/features/label/canvas/CanvasStage"));
const ProjectList = chunk(() => import("@/features/projects/ProjectList"));
const MyWork = chunk(() => import("@/features/label/MyWork"));
const NewProject = chunk(async () => {
  const [page] = await Promise.all([import("@/features/projects/new/NewProject"), addAdminTexts()]);
  return page;
});
const TryPage = chunk(async () => {
  const [page] = await Promise.all([import("@/features/try/TryPage"), addAdminTexts()]);
  return page;
});
const ProjectRoute = chunk(async () => {
  const [page] = await Promise.all([import("./ProjectRoute"), addAdminTexts()]);
  return page;
});

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 3 && error instanceof ApiError && error.passing,
      staleTime: 1_000,
    },
  },
});

const useStyles = makeStyles({
  // Dialogs and tooltips get the provider's class too: only what is right for them may be in it.
  text: {
    wordBreak: "keep-all",
    overflowWrap: "anywhere",
    fontVariantNumeric: "tabular-nums",
    ":lang(ko)": { lineHeight: 1.5 },
    "@media (prefers-reduced-motion: reduce)": {
      "& *": { animationDuration: "1ms !important", transitionDuration: "1ms !important" },
    },
    // Large enough for a finger, wherever it is.
    "@media (pointer: coarse)": {
      "& .fui-Button": { minWidth: "44px", minHeight: "44px" },
      "& .fui-Input, & .fui-MenuItem, & .fui-Switch, & .fui-Radio": { minHeight: "44px" },
      "& .fui-Checkbox": { minWidth: "44px", minHeight: "44px" },
      "& .fui-MenuItem, & .fui-Switch, & .fui-Checkbox": { alignItems: "center" },
      "& .fui-Link": { display: "inline-flex", alignItems: "center", minHeight: "44px" },
    },
  },
  page: {
    minHeight: "100dvh",
    backgroundColor: tokens.colorNeutralBackground2,
    color: tokens.colorNeutralForeground1,
  },
});

export function App(): ReactNode {
  const styles = useStyles();
  const dark = useDarkSystem();
  return (
    <FluentProvider theme={dark ? darkTheme : lightTheme} className={styles.text}>
      <QueryClientProvider client={queries}>
        <ErrorBoundary>
          <Announcer />
          <div className={styles.page}>
            <Pages />
          </div>
        </ErrorBoundary>
      </QueryClientProvider>
    </FluentProvider>
  );
}

function Pages(): ReactNode {
  const { t } = useTranslation();
  const me = useMe();
  if (me.isPending) return null;
  if (me.isError)
    return (
      <Message icon="warning" title={t("error.unreachable")}>
        {t("error.unreachableText")}
      </Message>
    );
  if (!me.data) return <SignIn />;
  return (
    <Switch>
      <Route path="/projects/:projectId/label">
        {({ projectId }) => (
          <LabelPage key={projectId} projectId={projectId} Canvas={CanvasStage} />
        )}
      </Route>
      <Route path="/projects/:projectId/try">
        {({ projectId }) => <TryPage key={projectId} projectId={projectId} Canvas={CanvasStage} />}
      </Route>
      <Route>
        <Shell>
          <Switch>
            <Route path="/">
              <ProjectList />
            </Route>
            <Route path="/projects/new/:step?">
              {({ step }) => <NewProject step={step ?? ""} />}
            </Route>
            <Route path="/projects/:projectId/mine">
              {({ projectId }) => <MyWork key={projectId} projectId={projectId} />}
            </Route>
            <Route path="/projects/:projectId">
              {({ projectId }) => (
                <ProjectRoute key={projectId} projectId={projectId} tab="dashboard" />
              )}
            </Route>
            <Route path="/projects/:projectId/:tab">
              {({ projectId, tab }) => (
                <ProjectRoute key={projectId} projectId={projectId} tab={tab} />
              )}
            </Route>
            <Route>
              <Message icon="search" title={t("error.noPage")} />
            </Route>
          </Switch>
        </Shell>
      </Route>
    </Switch>
  );
}

const darkMedia = window.matchMedia("(prefers-color-scheme: dark)");

function useDarkSystem(): boolean {
  return useSyncExternalStore(
    (listener) => {
      darkMedia.addEventListener("change", listener);
      return () => darkMedia.removeEventListener("change", listener);
    },
    () => darkMedia.matches,
  );
}
