/**
 * The live stream: the browser's EventSource, which resumes by Last-Event-ID on its own, and a
 * watch over it. Silence is never taken for calm: after 20 s without an event the page says so.
 */

import type { StreamEvents } from "../api/types";
import { apply, type StreamEvent } from "./apply";
import type { LiveStore } from "./store";

export const STALE_MS = 20_000;
/** A connection this quiet is given up and opened anew; what was missed is fetched. */
export const REOPEN_MS = 60_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 15_000];

const NAMES: (keyof StreamEvents)[] = ["reading", "alarm", "device", "health", "reset"];

export interface StreamOptions {
  url: string;
  store: LiveStore;
  /** Everything must be fetched again: the stream cannot say what was missed. */
  onLost: () => void;
  /** The server refused the stream: perhaps nobody is signed in any more. */
  onRefused: () => void;
  onEvent?: (event: StreamEvent) => void;
  open?: (url: string) => EventSource;
}

/** Opens the stream; the answer closes it. */
export function openStream(options: StreamOptions): () => void {
  const { url, store, onLost, onRefused, onEvent } = options;
  const open = options.open ?? ((to: string) => new EventSource(to));
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let heard_ms = Date.now();

  const lost = () => {
    store.set("generation", store.get("generation") + 1);
    onLost();
  };

  const hear = (name: keyof StreamEvents) => (message: MessageEvent<string>) => {
    heard_ms = Date.now();
    const event = { name, data: JSON.parse(message.data || "{}") } as StreamEvent;
    store.set("connection", "live");
    apply(store, event, heard_ms / 1000);
    onEvent?.(event);
    if (name === "reset") onLost();
  };

  const connect = () => {
    heard_ms = Date.now();
    const mine = open(url);
    source = mine;
    let resumed = false;
    mine.onopen = () => {
      heard_ms = Date.now();
      failures = 0;
      store.set("connection", "live");
      // A new EventSource has no Last-Event-ID, so what was fetched before it opened may have a
      // gap; one that the browser itself resumes has none.
      if (!resumed) lost();
      resumed = true;
    };
    mine.onerror = () => {
      store.set("connection", "reconnecting");
      if (mine.readyState !== 2 /* EventSource.CLOSED */) return;
      onRefused();
      again();
    };
    for (const name of NAMES) mine.addEventListener(name, hear(name) as EventListener);
  };

  const again = () => {
    source?.close();
    clearTimeout(retry);
    retry = setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    failures += 1;
  };

  const watch = setInterval(() => {
    const quiet_ms = Date.now() - heard_ms;
    if (quiet_ms >= STALE_MS && store.get("connection") === "live") store.set("connection", "stale");
    if (quiet_ms >= REOPEN_MS && source?.readyState === 1 /* OPEN */) again();
  }, 1_000);

  store.set("connection", "connecting");
  connect();
  return () => {
    clearInterval(watch);
    clearTimeout(retry);
    source?.close();
  };
}
