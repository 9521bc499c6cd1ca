import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { apply } from "./apply";
import { useSeries } from "./series";
import { LiveStore, StoreContext } from "./store";

const T = Math.floor(Date.now() / 60_000) * 60;

/** A history that the test gives when it likes. */
function slowHistory() {
  const asked: ((body: unknown) => void)[] = [];
  vi.stubGlobal(
    "fetch",
    () =>
      new Promise<Response>((answer) =>
        asked.push((body) => answer(new Response(JSON.stringify(body)))),
      ),
  );
  return asked;
}

const hear = (store: LiveStore, time_s: number, value: number) =>
  apply(store, { name: "reading", data: { readings: [["a.x", time_s, value, null, [], 0]] } }, T);

const past = (time_s: number[], values: number[]) => ({
  channel: "a.x",
  unit: "ppm",
  bucket_s: 10,
  time_s,
  min: values,
  mean: values,
  max: values,
  count: values.map(() => 1),
});

function watch(store: LiveStore) {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StoreContext value={store}>{children}</StoreContext>
  );
  return renderHook(() => useSeries("a.x", 900), { wrapper });
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test("no reading falls between the history and the stream", async () => {
  const asked = slowHistory();
  const store = new LiveStore();
  const { result } = watch(store);

  hear(store, T + 1, 5); // while the history is still under way
  await act(async () => asked.at(-1)?.(past([T - 20, T - 10], [1, 2])));
  act(() => hear(store, T + 11, 6));

  await waitFor(() => expect(result.current.series?.mean).toEqual([1, 2, 5, 6]));
  expect(result.current.series?.time_s).toEqual([T - 20, T - 10, T, T + 10]);
});

test("after a loss the history is fetched again, and the old line stays until it is there", async () => {
  const asked = slowHistory();
  const store = new LiveStore();
  const { result } = watch(store);
  await act(async () => asked.at(-1)?.(past([T], [1])));

  act(() => store.set("generation", 1));
  expect(result.current.series?.mean).toEqual([1]);
  await act(async () => asked.at(-1)?.(past([T, T + 10], [1, 9])));

  await waitFor(() => expect(result.current.series?.mean).toEqual([1, 9]));
});

test("a history that cannot be had is said in words", async () => {
  vi.stubGlobal("fetch", async () => new Response('{"detail":"the store is busy"}', { status: 503 }));
  const { result } = watch(new LiveStore());

  await waitFor(() => expect(result.current.status).toBe("failed"));
  expect(result.current.error).toBe("the store is busy");
});
