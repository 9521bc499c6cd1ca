/** How snapshots and stream events change the live store; the stream's reducer. */

import type { Alarm, Channel, Device, Health, Latest, StreamEvents } from "../api/types";
import type { Point } from "../domain/series";
import { isFault } from "../domain/words";
import type { LiveStore } from "./store";

/** How much of the past a sparkline shows. */
export const TRAIL_S = 600;
const TRAIL_POINTS = 600;
const CLOCK_SLACK_S = 60;

export type StreamEvent = {
  [Name in keyof StreamEvents]: { name: Name; data: StreamEvents[Name] };
}[keyof StreamEvents];

/**
 * Whether a reading replaces the one that is shown. Back-filled readings are older and do not;
 * one whose clock runs ahead must not block the honest ones behind it.
 */
export function replaces(next: Latest, shown: Latest | undefined, now_s: number): boolean {
  return !shown || next.time_s >= shown.time_s || shown.time_s > now_s + CLOCK_SLACK_S;
}

/** One event of the stream. `reset` only counts the generation up: the caller fetches again. */
export function apply(store: LiveStore, event: StreamEvent, now_s: number): void {
  store.change(() => {
    switch (event.name) {
      case "reading":
        return applyReadings(store, event.data, now_s);
      case "alarm":
        return applyAlarm(store, event.data);
      case "device":
        return store.set(`device:${event.data.id}`, event.data);
      case "health":
        return store.set("health", event.data);
      case "reset":
        return store.set("generation", store.get("generation") + 1);
    }
  });
}

function applyReadings(store: LiveStore, { readings }: StreamEvents["reading"], now_s: number) {
  const heard = new Map<string, Point[]>();
  for (const [channel, time_s, value, percent_lel, flags, suspicion] of readings) {
    const next = { time_s, value, percent_lel, flags, suspicion };
    if (replaces(next, store.get(`channel:${channel}`), now_s)) {
      store.set(`channel:${channel}`, next);
    }
    if (flags.some(isFault)) continue; // a broken wire's voltage is no point of a curve
    const points = heard.get(channel) ?? [];
    points.push({ time_s, value });
    heard.set(channel, points);
  }
  for (const [channel, points] of heard) {
    lengthen(store, channel, points);
    store.tell(channel, points);
  }
}

function lengthen(store: LiveStore, channel: string, more: readonly Point[]): void {
  const points = [...(store.get(`trail:${channel}`)?.points ?? []), ...more];
  const last = points[points.length - 1]?.time_s ?? 0;
  const kept = points
    .filter((point) => point.time_s > last - TRAIL_S)
    .slice(-TRAIL_POINTS);
  store.set(`trail:${channel}`, { points: kept });
}

function applyAlarm(store: LiveStore, data: StreamEvents["alarm"]): void {
  const { event: _event, ...alarm } = data;
  putAlarm(store, alarm);
}

/** An alarm as the server has just told it, by the stream or as the answer to a button. */
export function putAlarm(store: LiveStore, alarm: Alarm): void {
  const known = store.get("alarms").get(alarm.id);
  if (known && known.changed_at > alarm.changed_at) return;
  const alarms = new Map(store.get("alarms"));
  if (alarm.state === "normal") alarms.delete(alarm.id);
  else alarms.set(alarm.id, alarm);
  store.set("alarms", alarms);
}

/**
 * The list of alarms as it was when asked for. `before` is the store's map at that time: what the
 * stream has changed since is newer than the list and stays.
 */
export function applyAlarms(
  store: LiveStore,
  list: readonly Alarm[],
  before: ReadonlyMap<string, Alarm>,
): void {
  const now = store.get("alarms");
  const alarms = new Map<string, Alarm>();
  for (const alarm of list) {
    const endedMeanwhile = before.has(alarm.id) && !now.has(alarm.id);
    if (alarm.state !== "normal" && !endedMeanwhile) alarms.set(alarm.id, alarm);
  }
  for (const [id, alarm] of now) {
    const listed = alarms.get(id);
    const movedMeanwhile = before.get(id) !== alarm;
    if (listed ? alarm.changed_at > listed.changed_at : movedMeanwhile) alarms.set(id, alarm);
  }
  store.set("alarms", alarms);
}

export function applyChannels(store: LiveStore, list: readonly Channel[], now_s: number): void {
  store.change(() => {
    for (const { key, latest } of list) {
      if (latest && replaces(latest, store.get(`channel:${key}`), now_s)) {
        store.set(`channel:${key}`, latest);
      }
    }
  });
}

export function applyDevices(store: LiveStore, list: readonly Device[]): void {
  store.change(() => {
    for (const { id, online, last_seen_s } of list) {
      const known = store.get(`device:${id}`);
      if ((known?.last_seen_s ?? 0) > (last_seen_s ?? 0)) continue;
      store.set(`device:${id}`, { id, online, last_seen_s });
    }
  });
}

export const applyHealth = (store: LiveStore, health: Health): void =>
  store.set("health", health);
