import { expect, test } from "vitest";
import { columns, fold, fromHistory, trim, type Series } from "./series";

const history = (): Series =>
  fromHistory({
    channel: "kitchen-1.mq4",
    unit: "ppm",
    bucket_s: 60,
    time_s: [0, 60],
    min: [1, 2],
    mean: [2, 3],
    max: [3, 4],
    count: [10, 3],
  });

test("a reading joins the bucket in which it was measured", () => {
  const series = history();

  fold(series, [{ time_s: 119, value: 7 }]);

  expect(series.time_s).toEqual([0, 60]);
  expect([series.min[1], series.mean[1], series.max[1], series.count[1]]).toEqual([2, 4, 7, 4]);
});

test("a reading after the last bucket opens the next one", () => {
  const series = history();

  fold(series, [{ time_s: 120, value: 5 }, { time_s: 250, value: 6 }]);

  expect(series.time_s).toEqual([0, 60, 120, 240]);
  expect(series.mean).toEqual([2, 3, 5, 6]);
});

test("a back-filled reading takes its place between the others", () => {
  const series = history();
  fold(series, [{ time_s: 300, value: 9 }]);

  fold(series, [{ time_s: 190, value: 8 }]);

  expect(series.time_s).toEqual([0, 60, 180, 300]);
});

test("buckets of fractions of a second do not split by rounding", () => {
  const series: Series = { bucket_s: 1.8, time_s: [], min: [], mean: [], max: [], count: [] };
  const times = Array.from({ length: 2_000 }, (_, at) => 1_700_000_000 + at * 0.9);

  fold(series, times.map((time_s) => ({ time_s, value: 1 })));

  expect(series.time_s.length).toBeLessThanOrEqual(1_001);
  expect(series.count.reduce((sum, count) => sum + count, 0)).toBe(2_000);
  expect([...series.time_s].sort((a, b) => a - b)).toEqual(series.time_s);
});

test("what is no number is not drawn", () => {
  const series = history();

  fold(series, [{ time_s: 130, value: Number.NaN }]);

  expect(series.time_s).toEqual([0, 60]);
});

test("the line breaks where nothing was heard, and is scaled into the shown unit", () => {
  const series = history();
  fold(series, [{ time_s: 600, value: 10 }]);

  const [time_s, min, max, mean] = columns(series, 0.5, 120);

  expect(time_s).toEqual([0, 60, 120, 600]);
  expect(mean).toEqual([1, 1.5, null, 5]);
  expect(min[2]).toBeNull();
  expect(max[0]).toBe(1.5);
});

test("what has left the window is forgotten", () => {
  const series = history();
  fold(series, [{ time_s: 600, value: 10 }]);

  trim(series, 200);

  expect(series.time_s).toEqual([600]);
  expect(series.count).toEqual([1]);
});
