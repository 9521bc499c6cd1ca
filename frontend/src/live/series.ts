/** A channel's past and present as one series without a gap between them. */

import { useEffect, useState } from "react";
import * as api from "../api/client";
import { fold, fromHistory, trim, type Point, type Series } from "../domain/series";
import { useLive, useStore } from "./store";

export interface LiveSeries {
  status: "loading" | "ready" | "failed";
  error: string;
  series: Series | null;
  /** Grows whenever the series does. */
  version: number;
}

const NOTHING: LiveSeries = { status: "loading", error: "", series: null, version: 0 };
const POINTS = 500;

/**
 * Listens first, then fetches, then folds in what came meanwhile: no reading falls between.
 * After a loss (`generation`) it starts again; old data stays on screen until new is there.
 */
export function useSeries(channel: string, seconds: number): LiveSeries {
  const store = useStore();
  const generation = useLive("generation");
  const [state, setState] = useState(NOTHING);

  useEffect(() => setState(NOTHING), [channel, seconds]);

  useEffect(() => {
    let gone = false;
    let series: Series | null = null;
    const waiting: Point[] = [];
    const grow = (points: readonly Point[]) => {
      if (!series) return void waiting.push(...points);
      fold(series, points);
      trim(series, (series.time_s.at(-1) ?? 0) - seconds);
      const grown = series;
      setState((old) => ({ ...old, series: grown, version: old.version + 1 }));
    };
    const stop = store.listen(channel, grow);
    const latest_s = store.get(`channel:${channel}`)?.time_s ?? 0;
    // A site that is replayed or sped up may live ahead of this browser's clock.
    const end = Math.max(Date.now() / 1000, latest_s + 1);
    api.history(channel, Math.floor(end - seconds), Math.ceil(end), POINTS).then(
      (history) => {
        if (gone) return;
        series = fromHistory(history);
        setState((old) => ({ ...old, status: "ready", error: "" }));
        grow(waiting);
      },
      (cause: unknown) => {
        if (gone) return;
        const error = cause instanceof Error ? cause.message : String(cause);
        setState((old) => ({ ...old, status: "failed", error }));
      },
    );
    return () => {
      gone = true;
      stop();
    };
  }, [store, channel, seconds, generation]);

  return state;
}
