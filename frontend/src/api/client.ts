/** One function per route; every refusal becomes one `ApiError` whose message can be shown. */

import type {
  Alarm,
  AlarmAct,
  Channel,
  Device,
  Health,
  History,
  Me,
  Problem,
  Transition,
  Zone,
} from "./types";

const BASE = "api/v1";

export const LIVE_URL = `${BASE}/live`;

/** A request that the server refused, or that did not reach it (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

const PLAIN: Record<number, string> = {
  401: "You are signed out. Sign in again.",
  403: "Your role does not allow this.",
  404: "This is not known here any more.",
  409: "This cannot be done in the present state.",
  429: "Too many attempts. Wait a minute and try again.",
};

async function refusal(reply: Response): Promise<ApiError> {
  const fallback = PLAIN[reply.status] ?? `The server answered ${reply.status}.`;
  try {
    const problem = (await reply.json()) as Partial<Problem>;
    const words = typeof problem.detail === "string" ? problem.detail : problem.title;
    return new ApiError(reply.status, words || fallback);
  } catch (cause) {
    if (cause instanceof SyntaxError) return new ApiError(reply.status, fallback);
    throw cause;
  }
}

async function call<T>(path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { credentials: "same-origin", headers: { Accept: "application/json" } };
  if (body !== undefined) {
    init.method = "POST";
    init.headers = { Accept: "application/json", "Content-Type": "application/json" };
    init.body = JSON.stringify(body);
  }
  let reply: Response;
  try {
    reply = await fetch(`${BASE}/${path}`, init);
  } catch (cause) {
    if (cause instanceof TypeError) throw new ApiError(0, "Davy cannot be reached from here.");
    throw cause;
  }
  if (!reply.ok) throw await refusal(reply);
  return (reply.status === 204 ? undefined : await reply.json()) as T;
}

/** Who is signed in; null when nobody is. */
export async function me(): Promise<Me | null> {
  try {
    return await call<Me>("me");
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 401) return null;
    throw cause;
  }
}

export const login = (name: string, password: string) => call<Me>("login", { name, password });
export const logout = () => call<void>("logout", {});
export const zones = () => call<Zone[]>("zones");
export const devices = () => call<Device[]>("devices");
export const channels = () => call<Channel[]>("channels");
export const alarms = () => call<Alarm[]>("alarms");
export const health = () => call<Health>("health");

export const transitions = (id: string) =>
  call<Transition[]>(`alarms/${encodeURIComponent(id)}/transitions`);

export const history = (channel: string, start: number, end: number, points: number) =>
  call<History>(
    `channels/${encodeURIComponent(channel)}/history?start=${start}&end=${end}&points=${points}`,
  );

export const act = (id: string, what: AlarmAct, note = "", for_s?: number) =>
  call<Alarm>(
    `alarms/${encodeURIComponent(id)}/${what}`,
    for_s === undefined ? { note } : { note, for_s },
  );
