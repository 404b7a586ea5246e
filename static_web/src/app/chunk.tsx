import { lazy, useState, type ComponentType, type ReactNode } from "react";

/**
 * A page in a chunk of its own, and what loads it. Once it is there it is shown without `Suspense`, which
 * would hold it back for a third of a second.
 */
export function chunk<Props extends object>(
  load: () => Promise<{ default: ComponentType<Props> }>,
): [page: (props: Props) => ReactNode, load: () => Promise<unknown>] {
  let loaded: ComponentType<Props> | undefined;
  const start = async () => {
    const module = await load();
    loaded = module.default;
    return module;
  };
  const Waiting: ComponentType<Props> = lazy(start);
  function Page(props: Props): ReactNode {
    const [Shown] = useState(() => loaded ?? Waiting);
    return <Shown {...props} />;
  }
  return [Page, start];
}
