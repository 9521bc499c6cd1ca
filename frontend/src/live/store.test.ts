import { expect, test } from "vitest";
import { alarm, channel, latest } from "../domain/fixtures";
import { apply, applyAlarms, applyChannels, putAlarm, TRAIL_S } from "./apply";
import { LiveStore } from "./store";

const NOW = 2_000;

const counter = (store: LiveStore, key: Parameters<LiveStore["watch"]>[0]) => {
  const seen = { times: 0 };
  store.watch(key, () => (seen.times += 1));
  return seen;
};

const readings = (...rows: [string, number, number][]) => ({
  name: "reading" as const,
  data: {
    readings: rows.map(
      ([key, time_s, value]): [string, number, number, null, string[], number] => [
        key,
        time_s,
        value,
        null,
        [],
        0,
      ],
    ),
  },
});

test("a reading wakes those who watch its channel, once, and nobody else", () => {
  const store = new LiveStore();
  const mine = counter(store, "channel:a.x");
  const other = counter(store, "channel:b.y");
  const alarms = counter(store, "alarms");

  apply(store, readings(["a.x", 1, 10], ["a.x", 2, 11], ["a.x", 3, 12]), NOW);

  expect([mine.times, other.times, alarms.times]).toEqual([1, 0, 0]);
  expect(store.get("channel:a.x")?.value).toBe(12);
});

test("who stops watching is not woken again", () => {
  const store = new LiveStore();
  let times = 0;
  const stop = store.watch("channel:a.x", () => (times += 1));

  stop();
  apply(store, readings(["a.x", 1, 10]), NOW);

  expect(times).toBe(0);
});

test("a back-filled reading goes into the trail but does not become the value of now", () => {
  const store = new LiveStore();
  apply(store, readings(["a.x", 1_900, 10]), NOW);

  apply(store, readings(["a.x", 1_700, 99]), NOW);

  expect(store.get("channel:a.x")?.value).toBe(10);
  expect(store.get("trail:a.x")?.points.map(({ value }) => value)).toContain(99);
});

test("a device whose clock ran ahead does not hide its later honest readings", () => {
  const store = new LiveStore();
  apply(store, readings(["a.x", NOW + 86_400, 10]), NOW);

  apply(store, readings(["a.x", NOW, 11]), NOW);

  expect(store.get("channel:a.x")?.value).toBe(11);
});

test("the trail keeps ten minutes", () => {
  const store = new LiveStore();

  apply(store, readings(["a.x", 0, 1], ["a.x", 1, 2], ["a.x", TRAIL_S + 0.5, 3]), NOW);

  expect(store.get("trail:a.x")?.points.map(({ value }) => value)).toEqual([2, 3]);
});

test("a broken wire's voltage is shown as a flag, not as a point of the curve", () => {
  const store = new LiveStore();
  const row: [string, number, number, null, string[], number] = ["a.x", 1, 0, null, ["open"], 0];

  apply(store, { name: "reading", data: { readings: [row] } }, NOW);

  expect(store.get("channel:a.x")?.flags).toEqual(["open"]);
  expect(store.get("trail:a.x")).toBeUndefined();
});

test("who listens hears every row of a channel, not only the last", () => {
  const store = new LiveStore();
  const heard: number[] = [];
  store.listen("a.x", (points) => heard.push(...points.map(({ value }) => value)));

  apply(store, readings(["a.x", 1, 10], ["b.y", 1, 5], ["a.x", 2, 11]), NOW);

  expect(heard).toEqual([10, 11]);
});

test("an alarm that became normal leaves the list", () => {
  const store = new LiveStore();
  apply(store, { name: "alarm", data: { ...alarm(), event: "rise" } }, NOW);

  const reset = { ...alarm({ state: "normal", changed_at: 1_001 }), event: "reset" };
  apply(store, { name: "alarm", data: reset }, NOW);

  expect(store.get("alarms").size).toBe(0);
});

test("an older word about an alarm does not undo a newer one", () => {
  const store = new LiveStore();
  putAlarm(store, alarm({ state: "acked", changed_at: 1_010 }));

  putAlarm(store, alarm({ state: "unacked", changed_at: 1_000 }));

  expect(store.get("alarms").get("kitchen-1.mq4.high")?.state).toBe("acked");
});

test("a list that was asked for earlier neither drops a newer alarm nor revives an ended one", () => {
  const store = new LiveStore();
  putAlarm(store, alarm({ id: "ends" }));
  putAlarm(store, alarm({ id: "gone" }));
  const before = store.get("alarms");
  const answer = [alarm({ id: "ends" })];

  putAlarm(store, alarm({ id: "ends", state: "normal", changed_at: 1_005 }));
  putAlarm(store, alarm({ id: "new" }));
  applyAlarms(store, answer, before);

  expect([...store.get("alarms").keys()]).toEqual(["new"]);
});

test("a snapshot fills channels that the stream has not named yet, and no others", () => {
  const store = new LiveStore();
  apply(store, readings(["kitchen-1.mq4", 1_500, 42]), NOW);

  applyChannels(
    store,
    [channel({ latest: latest({ time_s: 1_400, value: 1 }) }), channel({ key: "b.y" })],
    NOW,
  );

  expect(store.get("channel:kitchen-1.mq4")?.value).toBe(42);
  expect(store.get("channel:b.y")?.value).toBe(500);
});

test("a reset counts the generation up, so that everything is fetched again", () => {
  const store = new LiveStore();

  apply(store, { name: "reset", data: {} }, NOW);

  expect(store.get("generation")).toBe(1);
});
