/** A zone at a glance: its gravest state in words, its worst value large, its channels below. */

import { useCallback, useSyncExternalStore } from "react";
import type { Alarm, Channel, Zone } from "../api/types";
import { ago, reading } from "../domain/format";
import { isAside, zoneStanding } from "../domain/look";
import { title, unitWord } from "../domain/words";
import { shown, worst } from "../domain/worst";
import { useNow, useOlder } from "../live/clock";
import { isLive, useLive, useStore } from "../live/store";
import { ChannelRow, channelTitle } from "./ChannelRow";
import { Icon, iconOf } from "./Icon";

interface Props {
  zone: Zone;
  channels: readonly Channel[];
  /** Alarms of this zone alone. */
  alarms: readonly Alarm[];
  /** Seconds after which a device's value is old, by device. */
  patience: ReadonlyMap<string, number>;
  chosen: string | null;
  onChoose: (key: string) => void;
}

export function ZoneCard({ zone, channels, alarms, patience, chosen, onChoose }: Props) {
  const { leader, seen_s } = useZone(zone, channels);
  const live = isLive(useLive("connection"));
  const standing = zoneStanding(alarms, seen_s !== null, live);
  const aside = alarms.filter(isAside);
  const acting =
    zone.executive ||
    alarms.some(({ level, active }) => level === "executive" && active);
  return (
    <article
      className="zone"
      data-kind={standing.kind}
      data-look={standing.look}
      aria-label={`${title(zone.name)}: ${standing.headline}, ${standing.detail}`}
    >
      <header className="zone-head">
        <div>
          <h3>{title(zone.name)}</h3>
          <p className="zone-site">{title(zone.site)}</p>
        </div>
        <p className="zone-state">
          <Icon name={iconOf(standing)} />
          <span>
            <strong>{standing.headline}</strong>
            <span>{standing.detail}</span>
          </span>
        </p>
      </header>
      <Figure channel={leader} patience_s={patienceOf(patience, leader)} />
      {acting && (
        <p className="executive">
          <Icon name="valve" />
          <span>
            <strong>Executive action on</strong>: the zone’s valve, fan or siren was told to act.
          </span>
        </p>
      )}
      <ul className="channels">
        {channels.map((channel) => (
          <ChannelRow
            key={channel.key}
            channel={channel}
            patience_s={patienceOf(patience, channel)}
            chosen={channel.key === chosen}
            onChoose={onChoose}
          />
        ))}
      </ul>
      <footer className="zone-foot">
        <LastSeen seen_s={seen_s} />
        {aside.length > 0 && (
          <span className="zone-aside">
            <Icon name="shelved" /> {aside.length} shelved or out of service
          </span>
        )}
      </footer>
    </article>
  );
}

/** The channel that speaks for the zone and when anything was last heard; wakes when they move. */
function useZone(zone: Zone, channels: readonly Channel[]) {
  const store = useStore();
  const subscribe = useCallback(
    (wake: () => void) => {
      const stops = [
        ...channels.map(({ key }) => store.watch(`channel:${key}`, wake)),
        ...zone.devices.map((id) => store.watch(`device:${id}`, wake)),
      ];
      return () => stops.forEach((stop) => stop());
    },
    [store, zone.devices, channels],
  );
  const latestOf = (key: string) =>
    store.get(`channel:${key}`) ?? channels.find((channel) => channel.key === key)?.latest;
  const leaderKey = useSyncExternalStore(subscribe, () => worst(channels, latestOf)?.key ?? "");
  const seen_s = useSyncExternalStore(subscribe, () => {
    const times = [
      ...channels.map(({ key }) => latestOf(key)?.time_s ?? 0),
      ...zone.devices.map((id) => store.get(`device:${id}`)?.last_seen_s ?? 0),
    ];
    return Math.floor(Math.max(0, ...times)) || null;
  });
  return { leader: channels.find(({ key }) => key === leaderKey), seen_s };
}

const patienceOf = (patience: ReadonlyMap<string, number>, channel: Channel | undefined) =>
  (channel && patience.get(channel.device)) ?? 120;

function Figure(props: { channel: Channel | undefined; patience_s: number }) {
  const { channel, patience_s } = props;
  if (!channel) return <p className="figure figure-none">No channels yet</p>;
  return <FigureOf channel={channel} patience_s={patience_s} />;
}

function FigureOf({ channel, patience_s }: { channel: Channel; patience_s: number }) {
  const latest = useLive(`channel:${channel.key}`) ?? channel.latest;
  const old = useOlder(latest?.time_s, patience_s);
  const { value, unit } = shown(channel, latest);
  return (
    <p className="figure" data-old={old}>
      <span className="figure-value">{value === null ? "–" : reading(value)}</span>
      <span className="figure-unit">
        {unitWord(unit)}
        <small>
          {channelTitle(channel)}
          {old && ", old value"}
        </small>
      </span>
    </p>
  );
}

function LastSeen({ seen_s }: { seen_s: number | null }) {
  const now_s = useNow();
  return <span>{seen_s === null ? "Never heard from" : `Last seen ${ago(seen_s, now_s)}`}</span>;
}
