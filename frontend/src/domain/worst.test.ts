import { expect, test } from "vitest";
import { channel, latest } from "./fixtures";
import { asShown, readsInLel, shown, worst } from "./worst";

const methane = channel();
const monoxide = channel({
  key: "kitchen-1.mq7",
  name: "mq7",
  gas: "carbon-monoxide",
  lel_ppm: 109_000,
  limits: [{ level: "high", on: 100 }],
});
const heat = channel({
  key: "kitchen-1.temperature",
  quantity: "temperature",
  unit: "Cel",
  gas: null,
  lel_ppm: null,
  limits: [{ level: "high", on: 60 }],
});

test("a flammable gas is read in percent of its LEL, a toxic one in ppm", () => {
  expect(shown(methane, latest({ value: 5_000, percent_lel: 10 }))).toEqual({
    value: 10,
    unit: "%LEL",
  });
  expect(shown(monoxide, latest({ value: 80, percent_lel: 0.07 }))).toEqual({
    value: 80,
    unit: "ppm",
  });
  expect(readsInLel(heat)).toBe(false);
});

test("a faulty sensor shows no value rather than its last voltage", () => {
  expect(shown(methane, latest({ flags: ["shorted"] })).value).toBeNull();
  expect(shown(methane, latest({ flags: ["warm-up"] })).value).toBe(1);
});

test("the channel nearest to its first limit speaks for the zone", () => {
  const now = new Map([
    [methane.key, latest({ value: 4_000 })], // 0.8 of low
    [monoxide.key, latest({ value: 90 })], // 0.9 of high
    [heat.key, latest({ value: 59 })], // 0.98 of high, but heat never speaks before gas
  ]);

  expect(worst([heat, methane, monoxide], (key) => now.get(key))).toBe(monoxide);
});

test("a channel without a usable value speaks last", () => {
  const now = new Map([
    [methane.key, latest({ value: 9_999, flags: ["open"] })],
    [monoxide.key, latest({ value: 1 })],
  ]);

  expect(worst([methane, monoxide], (key) => now.get(key))).toBe(monoxide);
  expect(worst([], () => null)).toBeUndefined();
});

test("an alarm's value is shown in the unit of its channel's card", () => {
  expect(asShown(methane, 12_500, "ppm")).toEqual({ value: 25, unit: "%LEL" });
  expect(asShown(methane, 3, "Cel/min")).toEqual({ value: 3, unit: "Cel/min" });
  expect(asShown(undefined, 7, "ppm")).toEqual({ value: 7, unit: "ppm" });
});
