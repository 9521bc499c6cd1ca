/** What the address bar keeps: which page a phone shows, which channel and how much of its past. */

export const PAGES = ["zones", "trend", "alarms"] as const;
export type Page = (typeof PAGES)[number];

export const RANGES = [
  { name: "15m", words: "15 min", seconds: 900 },
  { name: "1h", words: "1 h", seconds: 3600 },
  { name: "24h", words: "24 h", seconds: 86_400 },
  { name: "7d", words: "7 d", seconds: 604_800 },
] as const;
export type RangeName = (typeof RANGES)[number]["name"];

export interface Route {
  page: Page;
  channel: string | null;
  range: RangeName;
}

/** `#/trend/kitchen-1.mq4/1h` and anything shorter; nonsense falls back to the first page. */
export function parseRoute(hash: string): Route {
  const [page, channel, range] = hash.replace(/^#\/?/, "").split("/");
  return {
    page: PAGES.find((known) => known === page) ?? "zones",
    channel: channel ? decodeURIComponent(channel) : null,
    range: RANGES.find((known) => known.name === range)?.name ?? "15m",
  };
}

export function formatRoute({ page, channel, range }: Route): string {
  return channel ? `#/${page}/${encodeURIComponent(channel)}/${range}` : `#/${page}`;
}
