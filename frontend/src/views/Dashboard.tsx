/** The page: zones, a trend and alarms side by side; a phone shows one of them at a time. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import * as api from "../api/client";
import {
  refetchAll,
  useAlarmsQuery,
  useChannels,
  useDevices,
  useHealthQuery,
  useZones,
} from "../api/queries";
import type { Channel, Me } from "../api/types";
import { isAside } from "../domain/look";
import type { Page } from "../domain/route";
import { useLive, useStore } from "../live/store";
import { openStream } from "../live/stream";
import { Banner, NotLive } from "../parts/Banner";
import { Footer } from "../parts/Footer";
import { Header } from "../parts/Header";
import { Icon, type IconName } from "../parts/Icon";
import { Alarms } from "./Alarms";
import { Overview } from "./Overview";
import { useRoute } from "./route";
import { Trend } from "./Trend";

const NONE: never[] = [];

export function Dashboard({ me }: { me: Me }) {
  useStream();
  useHealthQuery();
  const { data: zones = NONE, error: failed, isSuccess } = useZones();
  const { data: channels = NONE } = useChannels();
  const { data: devices = NONE } = useDevices();
  const alarms = useAlarmsQuery();
  const { route, go } = useRoute();
  const trend = useRef<HTMLDivElement>(null);
  const client = useQueryClient();

  const channel = channels.find(({ key }) => key === route.channel) ?? firstOf(channels);
  const choose = useCallback(
    (key: string) => {
      go({ channel: key, page: "trend" });
      trend.current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    },
    [go],
  );
  const logout = () =>
    void api.logout().finally(() => {
      client.setQueryData(["me"], null);
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" });
    });

  return (
    <div className="page" data-page={route.page}>
      <Header me={me} onLogout={logout} />
      <NotLive />
      <Banner me={me} channels={channels} onShow={() => go({ page: "alarms" })} />
      {failed && !isSuccess && (
        <p className="refusal" role="alert">
          The zones cannot be shown: {failed.message}
        </p>
      )}
      <main>
        <div className="page-zones">
          {isSuccess && (
            <Overview
              zones={zones}
              channels={channels}
              devices={devices}
              chosen={channel?.key ?? null}
              onChoose={choose}
            />
          )}
        </div>
        <div className="page-trend" ref={trend}>
          {channel && (
            <Trend
              channel={channel}
              channels={channels}
              devices={devices}
              range={route.range}
              onChoose={(key) => go({ channel: key })}
              onRange={(range) => go({ channel: channel.key, range })}
            />
          )}
        </div>
        <div className="page-alarms">
          <Alarms me={me} channels={channels} loaded={alarms.isSuccess} />
        </div>
      </main>
      <Footer />
      <Tabs page={route.page} onPage={(page) => go({ page })} />
    </div>
  );
}

/** Until a person chooses, the trend shows a gas rather than a temperature. */
const firstOf = (channels: readonly Channel[]): Channel | undefined =>
  channels.find(({ quantity }) => quantity === "gas") ?? channels[0];

function useStream(): void {
  const store = useStore();
  const client = useQueryClient();
  useEffect(
    () =>
      openStream({
        url: api.LIVE_URL,
        store,
        onLost: () => void refetchAll(client),
        onRefused: () => void client.invalidateQueries({ queryKey: ["me"] }),
        onEvent: ({ name, data }) => {
          if (name === "alarm" && data.level === "executive") {
            void client.invalidateQueries({ queryKey: ["zones"] });
          }
        },
      }),
    [store, client],
  );
}

const TABS: { page: Page; word: string; icon: IconName }[] = [
  { page: "zones", word: "Zones", icon: "zones" },
  { page: "trend", word: "Trend", icon: "trend" },
  { page: "alarms", word: "Alarms", icon: "bell" },
];

function Tabs({ page, onPage }: { page: Page; onPage: (page: Page) => void }) {
  const count = [...useLive("alarms").values()].filter((alarm) => !isAside(alarm)).length;
  return (
    <nav className="tabs" aria-label="Pages">
      {TABS.map((tab) => (
        <button
          key={tab.page}
          type="button"
          aria-current={tab.page === page ? "page" : undefined}
          onClick={() => onPage(tab.page)}
        >
          <Icon name={tab.icon} />
          {tab.word}
          {tab.page === "alarms" && count > 0 && <span className="count">{count}</span>}
        </button>
      ))}
    </nav>
  );
}
