/** Which channel speaks for a zone, and in which unit it is read. */

import type { Channel, Latest } from "../api/types";
import { isFault } from "./words";

/** Gases that hurt people long before they burn: a share of the LEL would belittle them. */
const TOXIC = new Set([
  "ammonia",
  "benzene",
  "carbon-monoxide",
  "chlorine",
  "co",
  "h2s",
  "hydrogen-sulfide",
  "hydrogen-sulphide",
  "nh3",
  "toluene",
]);

const VALUE_LIMITS = ["low", "high", "high-high"];

export interface Shown {
  value: number | null;
  unit: string;
}

/** Whether a channel is best read in percent of the lower explosive limit. */
export function readsInLel(channel: Channel): boolean {
  const gas = channel.gas?.replaceAll(/[ _]/g, "-").toLowerCase() ?? "";
  return channel.lel_ppm !== null && channel.lel_ppm > 0 && !TOXIC.has(gas);
}

/** Multiplies the channel's own unit into the one that is shown. */
export const scaleOf = (channel: Channel): number =>
  readsInLel(channel) ? 100 / (channel.lel_ppm as number) : 1;

export const unitOf = (channel: Channel): string =>
  readsInLel(channel) ? "%LEL" : channel.unit;

/** The value as it is shown large; null where the last reading has no usable one. */
export function shown(channel: Channel, latest: Latest | null | undefined): Shown {
  const unit = unitOf(channel);
  if (!latest || latest.flags.some(isFault) || !Number.isFinite(latest.value)) {
    return { value: null, unit };
  }
  if (!readsInLel(channel)) return { value: latest.value, unit };
  return { value: latest.percent_lel ?? latest.value * scaleOf(channel), unit };
}

/** A value of an alarm, in its own unit, as the card of its channel shows values. */
export function asShown(channel: Channel | undefined, value: number, unit: string): Shown {
  if (!channel || unit !== channel.unit) return { value, unit };
  return { value: value * scaleOf(channel), unit: unitOf(channel) };
}

/** Limits that a line on a chart can show: of the value itself, not of averages or slopes. */
export const valueLimits = (channel: Channel) =>
  channel.limits.filter((limit) => VALUE_LIMITS.includes(limit.level));

const RANK: Record<Channel["quantity"], number> = { gas: 0, temperature: 1, humidity: 2, count: 3 };

/**
 * The channel nearest to (or furthest over) its first limit; gas goes before anything else.
 * Without limits the larger share of the LEL decides. Undefined when the zone has no channel.
 */
export function worst(
  channels: readonly Channel[],
  latest: (key: string) => Latest | null | undefined,
): Channel | undefined {
  const closeness = (channel: Channel): number => {
    const now = latest(channel.key);
    if (!now || !Number.isFinite(now.value) || now.flags.some(isFault)) return -1;
    const limits = valueLimits(channel).map((limit) => limit.on);
    if (limits.length > 0) return now.value / Math.min(...limits);
    return (now.percent_lel ?? 0) / 100;
  };
  const order = (a: Channel, b: Channel): number =>
    RANK[a.quantity] - RANK[b.quantity] ||
    closeness(b) - closeness(a) ||
    a.key.localeCompare(b.key);
  return [...channels].sort(order)[0];
}
