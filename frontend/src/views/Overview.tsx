/** One card per zone, always in the same place: people find a zone by where it stands. */

import { useMemo } from "react";
import type { Alarm, Channel, Device, Zone } from "../api/types";
import { groupBy } from "../domain/group";
import { useLive } from "../live/store";
import { ZoneCard } from "../parts/ZoneCard";

interface Props {
  zones: readonly Zone[];
  channels: readonly Channel[];
  devices: readonly Device[];
  chosen: string | null;
  onChoose: (key: string) => void;
}

const NO_CHANNELS: readonly Channel[] = [];
const NO_ALARMS: readonly Alarm[] = [];

export function Overview({ zones, channels, devices, chosen, onChoose }: Props) {
  const alarms = useLive("alarms");
  const channelsOf = useMemo(() => groupBy(channels, ({ zone }) => zone), [channels]);
  const alarmsOf = useMemo(
    () => groupBy(alarms.values(), ({ site, zone }) => `${site}.${zone}`),
    [alarms],
  );
  // Two heartbeats: one may always be under way.
  const patience = useMemo(
    () => new Map(devices.map(({ id, heartbeat_s }) => [id, heartbeat_s * 2])),
    [devices],
  );
  return (
    <section className="zones" aria-label="Zones">
      {zones.map((zone) => (
        <ZoneCard
          key={zone.key}
          zone={zone}
          channels={channelsOf.get(zone.key) ?? NO_CHANNELS}
          alarms={alarmsOf.get(zone.key) ?? NO_ALARMS}
          patience={patience}
          chosen={chosen}
          onChoose={onChoose}
        />
      ))}
      {zones.length === 0 && (
        <p className="empty panel">
          No zones yet. Add a device with <code>davy device add</code> and its zone appears here.
        </p>
      )}
    </section>
  );
}
