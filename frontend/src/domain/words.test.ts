import { expect, test } from "vitest";
import { ago, duration, lag, number, quantity, reading } from "./format";
import { alarm } from "./fixtures";
import { actsFor, whyNot } from "./rights";
import { formatRoute, parseRoute } from "./route";
import { flagWord, levelWord, title } from "./words";

test.each([
  [0.4217, "0.42"],
  [4.217, "4.2"],
  [42.17, "42.2"],
  [421.7, "422"],
  [4217, "4,217"],
])("%d reads %s", (value, words) => expect(number(value)).toBe(words));

test("a number that moves keeps its digits", () => {
  expect([0.8, 0.82, 22, 430].map(reading)).toEqual(["0.80", "0.82", "22.0", "430"]);
});

test("a value carries its unit, and what is no value is a dash", () => {
  expect(quantity(21.44, "Cel")).toBe("21.4 °C");
  expect(quantity(12, "count")).toBe("12");
  expect(quantity(null, "ppm")).toBe("–");
  expect(quantity(Number.NaN, "ppm")).toBe("–");
});

test.each([
  [59, "59 s"],
  [60, "1 min"],
  [3_600, "1 h"],
  [5_460, "1 h 31 min"],
  [90_000, "1 d 1 h"],
])("%d seconds last %s", (seconds, words) => expect(duration(seconds)).toBe(words));

test("a clock that runs ahead is not called now", () => {
  expect(ago(100, 100)).toBe("now");
  expect(ago(40, 100)).toBe("1 min ago");
  expect(ago(400, 100)).toBe("5 min ahead");
  expect(ago(null, 100)).toBe("never");
});

test("a small lag is said in milliseconds", () => {
  expect(lag(0.004)).toBe("4 ms");
  expect(lag(75)).toBe("1 min");
});

test("unknown levels and flags still read as words", () => {
  expect(levelWord("stel")).toBe("15-minute exposure (STEL)");
  expect(levelWord("cross-check")).toBe("Cross check");
  expect(flagWord("open")).toBe("fault: sensor open");
  expect(flagWord("new-flag")).toBe("new flag");
  expect(title("boiler-room")).toBe("Boiler room");
});

test("a viewer is told which role it takes", () => {
  expect(whyNot("ack", alarm(), "viewer")).toContain("operator");
  expect(whyNot("ack", alarm(), "operator")).toBeNull();
});

test("reset says what must happen first", () => {
  expect(whyNot("reset", alarm({ state: "unacked" }), "admin")).toContain("still stands");
  expect(whyNot("reset", alarm({ state: "rtn_unacked" }), "admin")).toBe("Acknowledge it first.");
  expect(whyNot("reset", alarm({ state: "latched" }), "admin")).toBeNull();
});

test("what clears by itself has no reset, what is put aside can only come back", () => {
  expect(actsFor(alarm({ latching: false }))).toEqual(["ack", "shelve"]);
  expect(actsFor(alarm({ state: "shelved" }))).toEqual(["unshelve"]);
  expect(actsFor(alarm({ state: "out_of_service" }))).toEqual(["in-service"]);
});

test("an address goes there and back, and nonsense leads to the first page", () => {
  const route = { page: "trend", channel: "kitchen-1.mq4", range: "24h" } as const;

  expect(parseRoute(formatRoute(route))).toEqual(route);
  expect(parseRoute("#/nowhere//9y")).toEqual({ page: "zones", channel: null, range: "15m" });
});
