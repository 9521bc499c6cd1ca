/**
 * A chart's data: buckets of min, mean and max that history begins and live readings go on.
 *
 * The caller listens first, then asks for history, then folds in what it heard meanwhile. A
 * reading that arrives on both ways can only weigh twice in its own bucket's mean; none is lost.
 */

import type { History } from "../api/types";

export interface Series {
  bucket_s: number;
  time_s: number[];
  min: number[];
  mean: number[];
  max: number[];
  count: number[];
}

export interface Point {
  time_s: number;
  value: number;
}

export function fromHistory(history: History): Series {
  return {
    bucket_s: history.bucket_s,
    time_s: [...history.time_s],
    min: [...history.min],
    mean: [...history.mean],
    max: [...history.max],
    count: [...history.count],
  };
}

/** Index of the first bucket that starts at or after `time_s`. */
function lowerBound(times: readonly number[], time_s: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < time_s) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Adds readings to a series, in place: into their bucket, or as a new one where none is. */
export function fold(series: Series, points: readonly Point[]): void {
  for (const { time_s, value } of points) {
    if (!Number.isFinite(value)) continue;
    const start = Math.floor(time_s / series.bucket_s) * series.bucket_s;
    // Floats: a server's own bucket start may differ from ours by less than a rounding error.
    const at = lowerBound(series.time_s, start - series.bucket_s * 1e-6);
    const found = series.time_s[at];
    if (found === undefined || found >= start + series.bucket_s * (1 - 1e-6)) {
      series.time_s.splice(at, 0, start);
      series.min.splice(at, 0, value);
      series.mean.splice(at, 0, value);
      series.max.splice(at, 0, value);
      series.count.splice(at, 0, 1);
      continue;
    }
    const count = (series.count[at] as number) + 1;
    const mean = series.mean[at] as number;
    series.min[at] = Math.min(series.min[at] as number, value);
    series.max[at] = Math.max(series.max[at] as number, value);
    series.mean[at] = mean + (value - mean) / count;
    series.count[at] = count;
  }
}

/** Forgets what has left the window. */
export function trim(series: Series, from_s: number): void {
  const gone = lowerBound(series.time_s, from_s - series.bucket_s);
  if (gone === 0) return;
  for (const column of [series.time_s, series.min, series.mean, series.max, series.count]) {
    column.splice(0, gone);
  }
}

export type Columns = [number[], (number | null)[], (number | null)[], (number | null)[]];

/**
 * Time, min, max, mean as a chart draws them, scaled into the shown unit. Where nothing was heard
 * for `gap_s` a null is put, so that the line breaks instead of pretending.
 */
export function columns(series: Series, scale: number, gap_s: number): Columns {
  const out: Columns = [[], [], [], []];
  const longest = Math.max(gap_s, series.bucket_s * 2.5);
  series.time_s.forEach((time_s, at) => {
    const before = series.time_s[at - 1];
    if (before !== undefined && time_s - before > longest) {
      out[0].push(before + series.bucket_s);
      out[1].push(null);
      out[2].push(null);
      out[3].push(null);
    }
    out[0].push(time_s);
    out[1].push((series.min[at] as number) * scale);
    out[2].push((series.max[at] as number) * scale);
    out[3].push((series.mean[at] as number) * scale);
  });
  return out;
}
