/**
 * The live store: one cell per key, and only those who watch a cell are woken by it.
 *
 * A thousand channels that move four times a second wake a thousand small numbers, never the
 * page. `change` gathers the keys written inside it and wakes each watcher once.
 */

import { createContext, use, useCallback, useSyncExternalStore } from "react";
import type { Alarm, DeviceSeen, Health, Latest } from "../api/types";
import type { Point } from "../domain/series";

export type ConnectionState = "connecting" | "live" | "reconnecting" | "stale";

/** The last few minutes of a channel; a new wrapper around the same points says "it moved". */
export interface Trail {
  points: readonly Point[];
}

export interface Cells {
  [channel: `channel:${string}`]: Latest | undefined;
  [trail: `trail:${string}`]: Trail | undefined;
  [device: `device:${string}`]: DeviceSeen | undefined;
  alarms: ReadonlyMap<string, Alarm>;
  health: Health | undefined;
  connection: ConnectionState;
  /** Grows whenever what was missed is lost and everything must be fetched anew. */
  generation: number;
}

export type Key = keyof Cells;

export class LiveStore {
  private readonly cells: Cells = {
    alarms: new Map(),
    health: undefined,
    connection: "connecting",
    generation: 0,
  };
  private readonly watchers = new Map<Key, Set<() => void>>();
  private readonly listeners = new Map<string, Set<(points: readonly Point[]) => void>>();
  private dirty: Set<Key> | null = null;

  get<K extends Key>(key: K): Cells[K] {
    return this.cells[key];
  }

  set<K extends Key>(key: K, value: Cells[K]): void {
    if (Object.is(this.cells[key], value)) return;
    this.cells[key] = value;
    if (this.dirty) this.dirty.add(key);
    else this.wake([key]);
  }

  /** Everything written inside `write` is announced once, at its end. */
  change(write: () => void): void {
    if (this.dirty) return write();
    const dirty = new Set<Key>();
    this.dirty = dirty;
    try {
      write();
    } finally {
      this.dirty = null;
      this.wake(dirty);
    }
  }

  watch(key: Key, wake: () => void): () => void {
    return join(this.watchers, key, wake);
  }

  /** Hears every reading of a channel as it comes, for charts that must miss none. */
  listen(channel: string, hear: (points: readonly Point[]) => void): () => void {
    return join(this.listeners, channel, hear);
  }

  tell(channel: string, points: readonly Point[]): void {
    for (const hear of this.listeners.get(channel) ?? []) hear(points);
  }

  private wake(keys: Iterable<Key>): void {
    for (const key of keys) for (const wake of [...(this.watchers.get(key) ?? [])]) wake();
  }
}

function join<K, F>(table: Map<K, Set<F>>, key: K, member: F): () => void {
  const group = table.get(key) ?? new Set<F>();
  table.set(key, group.add(member));
  return () => {
    group.delete(member);
    if (group.size === 0 && table.get(key) === group) table.delete(key);
  };
}

export const StoreContext = createContext<LiveStore>(new LiveStore());

export const useStore = (): LiveStore => use(StoreContext);

/** Whether what is on screen can be trusted to be of now; the first moments count as such. */
export const isLive = (connection: ConnectionState): boolean =>
  connection === "live" || connection === "connecting";

/** The value of one cell; the component draws again when that cell changes, and only then. */
export function useLive<K extends Key>(key: K): Cells[K] {
  const store = useStore();
  const subscribe = useCallback((wake: () => void) => store.watch(key, wake), [store, key]);
  return useSyncExternalStore(subscribe, () => store.get(key));
}
