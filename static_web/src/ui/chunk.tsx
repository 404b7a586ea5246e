import { useEffect, useState, type ComponentType, type ReactNode } from "react";

/**
 * A component whose code is loaded when it is first shown. Not by `Suspense`, which would hold it back for
 * a third of a second after its code has come.
 *
 * Where the code can't be loaded, `Failed` is shown; without it, the error goes to the boundary above.
 */
export function chunk<Props extends object>(
  load: () => Promise<{ default: ComponentType<Props> }>,
  Failed?: ComponentType,
): (props: Props) => ReactNode {
  let loaded: ComponentType<Props> | undefined;
  return function Page(props) {
    const [Shown, setShown] = useState(() => loaded);
    const [failure, setFailure] = useState<{ error: unknown } | null>(null);
    useEffect(() => {
      if (Shown) return;
      load().then(
        (module) => {
          loaded = module.default;
          setShown(() => loaded);
        },
        (error: unknown) => setFailure({ error }),
      );
    }, [Shown]);
    if (failure && Failed) return <Failed />;
    if (failure) throw failure.error;
    return Shown ? <Shown {...props} /> : null;
  };
}
