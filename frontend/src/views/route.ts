/** The address bar as state: what is shown can be bookmarked for a screen on the wall. */

import { useCallback, useSyncExternalStore } from "react";
import { formatRoute, parseRoute, type Route } from "../domain/route";

function watch(wake: () => void): () => void {
  addEventListener("hashchange", wake);
  return () => removeEventListener("hashchange", wake);
}

export function useRoute(): { route: Route; go: (change: Partial<Route>) => void } {
  const hash = useSyncExternalStore(watch, () => location.hash);
  const go = useCallback((change: Partial<Route>) => {
    location.hash = formatRoute({ ...parseRoute(location.hash), ...change });
  }, []);
  return { route: parseRoute(hash), go };
}
