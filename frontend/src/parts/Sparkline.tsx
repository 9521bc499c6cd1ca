/** The last ten minutes of a channel as a line the size of a word. */

import { useQuery } from "@tanstack/react-query";
import { memo } from "react";
import * as api from "../api/client";
import type { Channel } from "../api/types";
import { valueLimits } from "../domain/worst";
import { TRAIL_S } from "../live/apply";
import { useLive } from "../live/store";

const WIDTH = 96;
const HEIGHT = 28;
const POINTS = 60;

interface Dot {
  time_s: number;
  value: number;
}

/** `M…L…` through the dots, in a box where the lowest sits at the foot; a flat line in the middle. */
export function pathOf(dots: readonly Dot[], end_s: number): string {
  const values = dots.map((dot) => dot.value);
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  const x = (time_s: number) => WIDTH - ((end_s - time_s) / TRAIL_S) * WIDTH;
  const y = (value: number) =>
    span > 0 ? HEIGHT - 3 - ((value - low) / span) * (HEIGHT - 6) : HEIGHT / 2;
  return dots
    .map((dot, at) => `${at ? "L" : "M"}${x(dot.time_s).toFixed(1)} ${y(dot.value).toFixed(1)}`)
    .join("");
}

export const Sparkline = memo(function Sparkline({ channel }: { channel: Channel }) {
  const trail = useLive(`trail:${channel.key}`)?.points ?? [];
  const { data: past } = useQuery({
    queryKey: ["spark", channel.key],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => {
      const end = Math.ceil(Math.max(Date.now() / 1000, channel.latest?.time_s ?? 0));
      return api.history(channel.key, end - TRAIL_S, end, POINTS);
    },
  });

  const first_s = trail[0]?.time_s ?? Number.POSITIVE_INFINITY;
  const before = (past?.time_s ?? [])
    .map((time_s, at) => ({ time_s, value: past?.mean[at] as number }))
    .filter((dot) => dot.time_s < first_s);
  const dots = [...before, ...trail].filter((dot) => Number.isFinite(dot.value));
  const last = dots[dots.length - 1];
  if (!last) return <span className="spark" aria-hidden="true" />;

  const recent = dots.filter((dot) => dot.time_s > last.time_s - TRAIL_S);
  const step = Math.max(1, Math.floor(recent.length / (WIDTH * 1.5)));
  const drawn = recent.filter((_, at) => at % step === 0 || at === recent.length - 1);
  const over = valueLimits(channel).some((limit) => last.value >= limit.on);
  return (
    <svg
      className={over ? "spark spark-over" : "spark"}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={pathOf(drawn, last.time_s)} fill="none" vectorEffect="non-scaling-stroke" />
    </svg>
  );
});
