/** One clock for everything that says "ago", so that a page of a hundred labels has one timer. */

import { useSyncExternalStore } from "react";

const watchers = new Set<() => void>();
let now_s = Math.floor(Date.now() / 1000);
let timer: ReturnType<typeof setInterval> | undefined;

function watch(wake: () => void): () => void {
  watchers.add(wake);
  timer ??= setInterval(() => {
    now_s = Math.floor(Date.now() / 1000);
    for (const each of [...watchers]) each();
  }, 1_000);
  return () => {
    watchers.delete(wake);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Whether a moment is longer ago than `limit_s`; the component draws again only when that turns. */
export const useOlder = (time_s: number | undefined, limit_s: number): boolean =>
  useSyncExternalStore(watch, () => time_s !== undefined && now_s - time_s > limit_s);

/** Whole seconds since 1970; the component draws again each second. */
export const useNow = (): number => useSyncExternalStore(watch, () => now_s);
