/** Values that tests start from; each test changes only what its sentence is about. */

import type { Alarm, Channel, Latest, Zone } from "../api/types";

export const latest = (change: Partial<Latest> = {}): Latest => ({
  time_s: 1_000,
  value: 500,
  percent_lel: 1,
  flags: [],
  suspicion: 0,
  ...change,
});

export const channel = (change: Partial<Channel> = {}): Channel => ({
  key: "kitchen-1.mq4",
  device: "kitchen-1",
  name: "mq4",
  zone: "home.kitchen",
  quantity: "gas",
  unit: "ppm",
  gas: "methane",
  part: "MQ-4",
  calibrated: true,
  lel_ppm: 50_000,
  edition: "US",
  limits: [
    { level: "low", on: 5_000 },
    { level: "high", on: 12_500 },
  ],
  latest: latest(),
  ...change,
});

export const zone = (change: Partial<Zone> = {}): Zone => ({
  key: "home.kitchen",
  site: "home",
  name: "kitchen",
  vote: { needed: 1, level: "high" },
  devices: ["kitchen-1"],
  executive: false,
  ...change,
});

export const alarm = (change: Partial<Alarm> = {}): Alarm => ({
  id: "kitchen-1.mq4.high",
  kind: "gas",
  level: "high",
  site: "home",
  zone: "kitchen",
  device: "kitchen-1",
  channel: "mq4",
  state: "unacked",
  active: true,
  raised_at: 1_000,
  changed_at: 1_000,
  value: 12_600,
  unit: "ppm",
  setpoint: 12_500,
  latching: true,
  uncertified: false,
  unverified: false,
  backfilled: false,
  shelved_until: null,
  by: "",
  note: "",
  ...change,
});
