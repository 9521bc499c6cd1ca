import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveStore } from "./store";
import { openStream, REOPEN_MS, STALE_MS } from "./stream";

/** An EventSource whose server is the test. */
class FakeSource extends EventTarget {
  static all: FakeSource[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    super();
    FakeSource.all.push(this);
  }

  opens() {
    this.readyState = 1;
    this.onopen?.();
  }

  fails(readyState: number) {
    this.readyState = readyState;
    this.onerror?.();
  }

  says(name: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  close() {
    this.closed = true;
    this.readyState = 2;
  }
}

const last = () => FakeSource.all.at(-1) as FakeSource;

function start() {
  const store = new LiveStore();
  const calls = { lost: 0, refused: 0 };
  const stop = openStream({
    url: "api/v1/live",
    store,
    onLost: () => (calls.lost += 1),
    onRefused: () => (calls.refused += 1),
    open: (url) => new FakeSource(url) as unknown as EventSource,
  });
  return { store, calls, stop };
}

beforeEach(() => {
  FakeSource.all = [];
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

test("events flow into the store and make the page live", () => {
  const { store, stop } = start();
  last().opens();

  last().says("reading", { readings: [["a.x", 5, 42, null, [], 0]] });

  expect(store.get("connection")).toBe("live");
  expect(store.get("channel:a.x")?.value).toBe(42);
  stop();
});

test("twenty seconds without an event are stale, and the next event is live again", () => {
  const { store, stop } = start();
  last().opens();

  vi.advanceTimersByTime(STALE_MS - 1_000);
  expect(store.get("connection")).toBe("live");
  vi.advanceTimersByTime(1_000);
  expect(store.get("connection")).toBe("stale");

  last().says("health", { status: "ok", troubles: [] });
  expect(store.get("connection")).toBe("live");
  stop();
});

test("what the browser resumes by itself needs no fetching; what the server lost does", () => {
  const { store, calls, stop } = start();
  last().opens();
  const before = calls.lost;

  last().fails(0);
  expect(store.get("connection")).toBe("reconnecting");
  last().opens();
  expect(calls.lost).toBe(before);

  last().says("reset", {});
  expect(calls.lost).toBe(before + 1);
  stop();
});

test("a refused stream asks who is signed in, tries again, and then fetches all", () => {
  const { calls, stop } = start();
  last().opens();
  const before = calls.lost;

  last().fails(2);
  expect(calls.refused).toBe(1);
  vi.advanceTimersByTime(1_000);
  expect(FakeSource.all.length).toBe(2);
  last().opens();

  expect(calls.lost).toBe(before + 1);
  stop();
});

test("a connection that stays silent for a minute is given up and opened anew", () => {
  const { stop } = start();
  const [first] = FakeSource.all as [FakeSource];
  first.opens();

  vi.advanceTimersByTime(REOPEN_MS + 1_000);

  expect(first.closed).toBe(true);
  expect(FakeSource.all.length).toBe(2);
  stop();
});

test("a page that is left closes its stream and tries no more", () => {
  const { stop } = start();
  last().fails(2);

  stop();
  vi.advanceTimersByTime(60_000);

  expect(FakeSource.all.length).toBe(1);
  expect(last().closed).toBe(true);
});
