/**
 * State → look: the one place that decides how an alarm, and a zone, appears.
 *
 * A look is a shape of motion and outline (flash, steady, slow, outline) and a kind is a colour
 * and an icon, so neither colour nor motion ever stands alone: words go with both.
 */

import type { Alarm, AlarmState, Kind } from "../api/types";
import { levelWord, severity } from "./words";

export type Look =
  | "flash"
  | "steady"
  | "slow"
  | "outline"
  | "shelved"
  | "out"
  | "calm"
  | "unknown";

export interface Standing {
  kind: Kind | "none";
  look: Look;
  /** What it is: `Gas: High`. */
  headline: string;
  /** What people did or must do about it: `not acknowledged`. */
  detail: string;
}

const LOOKS: Record<AlarmState, Look> = {
  unacked: "flash",
  acked: "steady",
  rtn_unacked: "slow",
  latched: "outline",
  shelved: "shelved",
  out_of_service: "out",
  normal: "calm",
};

const DETAILS: Record<AlarmState, string> = {
  unacked: "not acknowledged",
  acked: "acknowledged",
  rtn_unacked: "gone, not acknowledged",
  latched: "gone, waits for reset",
  shelved: "shelved",
  out_of_service: "out of service",
  normal: "ended",
};

const ORDER: AlarmState[] = [
  "unacked",
  "acked",
  "rtn_unacked",
  "latched",
  "shelved",
  "out_of_service",
  "normal",
];

export function standing(alarm: Alarm): Standing {
  const level = levelWord(alarm.level);
  const still = isAside(alarm) && alarm.active ? ", condition still stands" : "";
  return {
    kind: alarm.kind,
    look: LOOKS[alarm.state],
    headline: alarm.kind === "gas" && alarm.level !== "executive" ? `Gas: ${level}` : level,
    detail: DETAILS[alarm.state] + still,
  };
}

/** Whether people put it aside: it is listed and counted apart, and never colours a zone. */
export const isAside = ({ state }: Alarm): boolean =>
  state === "shelved" || state === "out_of_service";

/** Whether a person must hear about it now: gas that stands and that nobody has acknowledged. */
export const isUrgent = (alarm: Alarm): boolean =>
  alarm.kind === "gas" && alarm.state === "unacked";

/** A zone is named after its gas; what the valve did about it stands beside. */
const weight = ({ level }: Alarm): number => (level === "executive" ? 0 : severity(level));

/** The gravest first: gas before trouble, unacknowledged before acknowledged, high before low. */
export function byGravity(a: Alarm, b: Alarm): number {
  if (a.kind !== b.kind) return a.kind === "gas" ? -1 : 1;
  const state = ORDER.indexOf(a.state) - ORDER.indexOf(b.state);
  if (state !== 0) return state;
  const level = weight(b) - weight(a);
  if (level !== 0) return level;
  return (b.raised_at ?? 0) - (a.raised_at ?? 0) || a.id.localeCompare(b.id);
}

/**
 * How a zone appears: as its gravest alarm. Shelved and out-of-service ones are counted on the
 * card but do not colour it. A zone that nobody has heard from, or a page that is not live, is
 * unknown, never fine.
 */
export function zoneStanding(alarms: readonly Alarm[], heard: boolean, live: boolean): Standing {
  const [worst] = alarms
    .filter((alarm) => alarm.state !== "normal" && !isAside(alarm))
    .sort(byGravity);
  if (worst) return standing(worst);
  if (!heard) {
    return { kind: "none", look: "unknown", headline: "No readings yet", detail: "state unknown" };
  }
  if (!live) {
    return { kind: "none", look: "unknown", headline: "Not live", detail: "normal when last heard" };
  }
  return { kind: "none", look: "calm", headline: "Normal", detail: "no alarm" };
}
