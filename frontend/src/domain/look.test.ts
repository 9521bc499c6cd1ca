import { describe, expect, test } from "vitest";
import type { AlarmState } from "../api/types";
import { alarm } from "./fixtures";
import { byGravity, isUrgent, standing, zoneStanding, type Look } from "./look";

const LOOKS: [AlarmState, Look][] = [
  ["unacked", "flash"],
  ["acked", "steady"],
  ["rtn_unacked", "slow"],
  ["latched", "outline"],
  ["shelved", "shelved"],
  ["out_of_service", "out"],
];

test.each(LOOKS)("a gas alarm that is %s looks %s", (state, look) => {
  expect(standing(alarm({ state })).look).toBe(look);
});

test("no two states share their look or their words", () => {
  const seen = LOOKS.map(([state]) => standing(alarm({ state, active: false })));

  expect(new Set(seen.map(({ look }) => look)).size).toBe(LOOKS.length);
  expect(new Set(seen.map(({ detail }) => detail)).size).toBe(LOOKS.length);
});

test("a shelved alarm whose gas still stands says so", () => {
  expect(standing(alarm({ state: "shelved", active: true })).detail).toContain("still stands");
  expect(standing(alarm({ state: "shelved", active: false })).detail).toBe("shelved");
});

test("gas goes before trouble, then what nobody acknowledged, then the higher level", () => {
  const trouble = alarm({ id: "t", kind: "trouble", level: "silent" });
  const acked = alarm({ id: "a", state: "acked", level: "high-high" });
  const low = alarm({ id: "l", level: "low" });
  const high = alarm({ id: "h", level: "high" });

  expect([trouble, acked, low, high].sort(byGravity).map(({ id }) => id)).toEqual([
    "h",
    "l",
    "a",
    "t",
  ]);
});

test("only gas that stands unacknowledged is urgent", () => {
  expect(isUrgent(alarm())).toBe(true);
  expect(isUrgent(alarm({ state: "acked" }))).toBe(false);
  expect(isUrgent(alarm({ kind: "trouble" }))).toBe(false);
});

describe("a zone", () => {
  test("looks as its gravest alarm does", () => {
    const both = [alarm({ kind: "trouble", level: "fault" }), alarm({ state: "latched" })];

    expect(zoneStanding(both, true, true)).toMatchObject({ kind: "gas", look: "outline" });
  });

  test("is calm without alarms, but unknown when nobody was ever heard", () => {
    expect(zoneStanding([], true, true).look).toBe("calm");
    expect(zoneStanding([], false, true).look).toBe("unknown");
  });

  test("is not called normal by a page that is not live, but its alarms stay", () => {
    expect(zoneStanding([], true, false).look).toBe("unknown");
    expect(zoneStanding([alarm()], true, false).look).toBe("flash");
  });

  test("is named after its gas rather than after its valve", () => {
    const both = [alarm({ state: "acked", level: "executive" }), alarm({ state: "acked" })];

    expect(zoneStanding(both, true, true).headline).toBe("Gas: High");
  });

  test("is not coloured by what people put aside", () => {
    expect(zoneStanding([alarm({ state: "shelved" })], true, true).look).toBe("calm");
  });
});
