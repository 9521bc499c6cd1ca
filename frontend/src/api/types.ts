/**
 * What the HTTP API says, in its own words. Times are seconds since 1970 UTC.
 * This file alone names the API's shapes, so that it can be generated from the OpenAPI document.
 */

export type Role = "viewer" | "operator" | "admin";
export type Kind = "gas" | "trouble";
export type Quantity = "gas" | "temperature" | "humidity" | "count";
export type AlarmState =
  | "normal"
  | "unacked"
  | "acked"
  | "rtn_unacked"
  | "latched"
  | "shelved"
  | "out_of_service";

export interface Me {
  name: string;
  role: Role;
}

export interface Zone {
  key: string;
  site: string;
  name: string;
  vote: { needed: number; level: string };
  devices: string[];
  /** True while the zone's vote holds its executive action (a valve, a fan, a siren). */
  executive: boolean;
}

export interface Device {
  id: string;
  site: string;
  zone: string;
  trust: "signed" | "transport";
  heartbeat_s: number;
  revoked: boolean;
  online: boolean | null;
  last_seen_s: number | null;
  channels: string[];
}

export interface Latest {
  time_s: number;
  value: number;
  percent_lel: number | null;
  flags: string[];
  suspicion: number;
}

export interface Limit {
  level: string;
  /** In the channel's own unit. */
  on: number;
}

export interface Channel {
  key: string;
  device: string;
  name: string;
  zone: string;
  quantity: Quantity;
  unit: string;
  gas: string | null;
  part: string | null;
  calibrated: boolean;
  lel_ppm: number | null;
  edition: string | null;
  limits: Limit[];
  latest: Latest | null;
}

export interface History {
  channel: string;
  unit: string;
  bucket_s: number;
  /** Start of each bucket; empty buckets are absent. */
  time_s: number[];
  min: number[];
  mean: number[];
  max: number[];
  count: number[];
}

export interface Alarm {
  id: string;
  kind: Kind;
  level: string;
  site: string;
  zone: string;
  device: string | null;
  channel: string | null;
  state: AlarmState;
  /** Whether the condition itself still stands, whatever people did about it. */
  active: boolean;
  raised_at: number | null;
  changed_at: number;
  value: number | null;
  unit: string;
  setpoint: number;
  latching: boolean;
  uncertified: boolean;
  unverified: boolean;
  backfilled: boolean;
  shelved_until: number | null;
  by: string;
  note: string;
}

export interface Transition {
  at_s: number;
  event: string;
  before: AlarmState;
  after: AlarmState;
  value: number | null;
  by: string;
  note: string;
}

export type AlarmAct =
  | "ack"
  | "reset"
  | "shelve"
  | "unshelve"
  | "out-of-service"
  | "in-service"
  | "comment";

export interface Trouble {
  what: string;
  since_s: number;
  detail: string;
}

export interface Health {
  status: "ok" | "trouble";
  troubles: Trouble[];
  readings_per_s: number;
  lag_s: number;
  version: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
}

/** channel, time_s, value, percent_lel, flags, suspicion */
export type ReadingRow = [string, number, number, number | null, string[], number];

export interface DeviceSeen {
  id: string;
  online: boolean | null;
  last_seen_s: number | null;
}

/** What the live stream carries, by the name of its event. */
export interface StreamEvents {
  reading: { readings: ReadingRow[] };
  alarm: Alarm & { event: string };
  device: DeviceSeen;
  health: Health;
  reset: Record<string, never>;
}
