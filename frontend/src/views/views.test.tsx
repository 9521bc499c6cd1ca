import { QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { createQueryClient } from "../api/queries";
import type { Me } from "../api/types";
import { App } from "../app";
import { alarm, channel, latest, zone } from "../domain/fixtures";
import { putAlarm } from "../live/apply";
import { LiveStore, StoreContext } from "../live/store";
import { Banner, NotLive } from "../parts/Banner";
import { ZoneCard } from "../parts/ZoneCard";
import { Alarms } from "./Alarms";

type Answer = [status: number, body: unknown];

/** A server made of a table: `METHOD path` → status and body; everything asked is kept. */
function serve(routes: Record<string, Answer>) {
  const asked: { route: string; body: unknown }[] = [];
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    const path = url.replace("api/v1/", "").replace(/\?.*/, "");
    const route = `${init?.method ?? "GET"} ${decodeURIComponent(path)}`;
    asked.push({ route, body: init?.body ? JSON.parse(String(init.body)) : null });
    const [status, body] = routes[route] ?? [404, { detail: `no ${route}` }];
    return new Response(JSON.stringify(body), { status });
  });
  return asked;
}

function show(what: ReactNode, store = new LiveStore()) {
  render(
    <QueryClientProvider client={createQueryClient()}>
      <StoreContext value={store}>{what}</StoreContext>
    </QueryClientProvider>,
  );
  return store;
}

const anna: Me = { name: "anna", role: "operator" };
const guest: Me = { name: "guest", role: "viewer" };
const none = new Map<string, number>();

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test("who is not signed in sees the door, and a wrong password is said in words", async () => {
  const asked = serve({
    "GET me": [401, { detail: "no session" }],
    "POST login": [401, { detail: "invalid credentials" }],
  });
  show(<App />);

  await userEvent.type(await screen.findByLabelText("Name"), "anna");
  await userEvent.type(screen.getByLabelText("Password"), "wrong");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));

  expect((await screen.findByRole("alert")).textContent).toBe("Name or password is wrong.");
  expect(asked.at(-1)?.body).toEqual({ name: "anna", password: "wrong" });
});

test("an alarm is acknowledged by its button and shows its new state", async () => {
  const asked = serve({
    "POST alarms/kitchen-1.mq4.high/ack": [200, alarm({ state: "acked", changed_at: 1_001 })],
  });
  const store = new LiveStore();
  putAlarm(store, alarm());
  show(<Alarms me={anna} channels={[channel()]} loaded />, store);

  await userEvent.click(screen.getByRole("button", { name: "Acknowledge" }));

  expect(await screen.findByText("acknowledged")).toBeTruthy();
  expect(asked.map(({ route }) => route)).toEqual(["POST alarms/kitchen-1.mq4.high/ack"]);
  expect(screen.getByText("25.2 %LEL")).toBeTruthy();
});

test("a viewer's button asks nothing of the server and says which role it takes", async () => {
  const asked = serve({});
  const store = new LiveStore();
  putAlarm(store, alarm());
  show(<Alarms me={guest} channels={[]} loaded />, store);
  const button = screen.getByRole("button", { name: "Acknowledge" });

  await userEvent.click(button);

  expect(button.getAttribute("aria-disabled")).toBe("true");
  const reason = document.getElementById(button.getAttribute("aria-describedby") ?? "");
  expect(reason?.textContent).toContain("needs an operator");
  expect(asked).toEqual([]);
});

test("the server's refusal is shown in its own words", async () => {
  const detail = "the gas is still above 11,900 ppm";
  serve({ "POST alarms/kitchen-1.mq4.high/reset": [409, { detail }] });
  const store = new LiveStore();
  putAlarm(store, alarm({ state: "latched", active: false }));
  show(<Alarms me={anna} channels={[]} loaded />, store);

  await userEvent.click(screen.getByRole("button", { name: "Reset" }));

  expect((await screen.findByRole("alert")).textContent).toBe(`Not done: ${detail}`);
});

test("shelving takes a time and a reason", async () => {
  const asked = serve({
    "POST alarms/kitchen-1.mq4.high/shelve": [200, alarm({ state: "shelved", changed_at: 1_001 })],
  });
  const store = new LiveStore();
  putAlarm(store, alarm());
  show(<Alarms me={anna} channels={[]} loaded />, store);

  await userEvent.click(screen.getByRole("button", { name: "Shelve" }));
  await userEvent.click(screen.getByLabelText("8 h"));
  await userEvent.type(screen.getByLabelText("Why"), "sensor is replaced");
  await userEvent.click(screen.getByRole("button", { name: "Shelve for 8 h" }));

  expect(await screen.findByRole("button", { name: "Unshelve" })).toBeTruthy();
  expect(asked[0]?.body).toEqual({ note: "sensor is replaced", for_s: 28_800 });
});

test("an alarm tells its story when it is opened", async () => {
  const step = { at_s: 1, before: "normal", after: "unacked", value: 12_600, by: "", note: "" };
  serve({ "GET alarms/kitchen-1.mq4.high/transitions": [200, [{ ...step, event: "rise" }]] });
  const store = new LiveStore();
  putAlarm(store, alarm());
  show(<Alarms me={guest} channels={[]} loaded />, store);

  await userEvent.click(screen.getByRole("button", { name: "Story" }));

  expect(await screen.findByText("Began")).toBeTruthy();
});

test("gas is listed before trouble, with its badges", () => {
  const store = new LiveStore();
  putAlarm(store, alarm({ id: "t", kind: "trouble", level: "silent", channel: null }));
  putAlarm(store, alarm({ id: "g", unverified: true, backfilled: true }));
  show(<Alarms me={anna} channels={[]} loaded />, store);

  const groups = screen.getAllByRole("region").map((group) => group.getAttribute("aria-label"));
  expect(groups.filter(Boolean)).toEqual(["Gas", "Trouble"]);
  expect(within(screen.getByRole("region", { name: "Gas" })).getByText("unverified")).toBeTruthy();
  expect(screen.getByText("back-filled")).toBeTruthy();
});

test("the banner and the title stand while gas is unacknowledged, and only then", () => {
  const store = show(<Banner me={anna} channels={[channel()]} onShow={() => undefined} />);
  expect(document.title).toBe("Davy");

  act(() => putAlarm(store, alarm()));
  expect(screen.getByRole("alert").textContent).toBe("Gas in Kitchen: High");
  expect(document.title).toContain("GAS Kitchen");

  act(() => putAlarm(store, alarm({ state: "acked", changed_at: 1_001 })));
  expect(screen.queryByRole("alert")).toBeNull();
  expect(document.title).toBe("Davy");
});

test("a stale page says that what it shows may be old", () => {
  const store = show(<NotLive />);
  act(() => store.set("connection", "live"));
  expect(screen.queryByRole("alert")).toBeNull();

  act(() => store.set("connection", "stale"));

  expect(screen.getByRole("alert").textContent).toContain("Not live");
});

test("a zone shows its worst value large, its state in words and its flags", () => {
  serve({ "GET channels/kitchen-1.mq4/history": [200, { time_s: [], mean: [] }] });
  const now = latest({ value: 11_500, percent_lel: 23, flags: ["warm-up"] });
  const store = new LiveStore();
  store.set("channel:kitchen-1.mq4", { ...now, time_s: Date.now() / 1000 });
  show(
    <ZoneCard
      zone={zone({ executive: true })}
      channels={[channel()]}
      alarms={[alarm()]}
      patience={none}
      chosen={null}
      onChoose={() => undefined}
    />,
    store,
  );

  const card = screen.getByRole("article", { name: "Kitchen: Gas: High, not acknowledged" });
  expect(card.dataset).toMatchObject({ kind: "gas", look: "flash" });
  expect(card.querySelector(".figure-value")?.textContent).toBe("23.0");
  expect(within(card).getByText("warming up")).toBeTruthy();
  expect(within(card).getByText("Executive action on")).toBeTruthy();
});

test("a value that has not moved for two heartbeats is called old", () => {
  serve({ "GET channels/kitchen-1.mq4/history": [200, { time_s: [], mean: [] }] });
  show(
    <ZoneCard
      zone={zone()}
      channels={[channel()]}
      alarms={[]}
      patience={new Map([["kitchen-1", 120]])}
      chosen={null}
      onChoose={() => undefined}
    />,
  );

  expect(screen.getByText("old value")).toBeTruthy();
});
