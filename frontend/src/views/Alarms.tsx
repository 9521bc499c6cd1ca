/** Everything that is not normal: gas first, then trouble, then what people put aside. */

import type { Channel, Me } from "../api/types";
import { byGravity, isAside } from "../domain/look";
import { isLive, useLive } from "../live/store";
import { AlarmRow } from "../parts/AlarmRow";
import { Icon } from "../parts/Icon";

interface Props {
  me: Me;
  channels: readonly Channel[];
  loaded: boolean;
}

export function Alarms({ me, channels, loaded }: Props) {
  const live = isLive(useLive("connection"));
  const all = [...useLive("alarms").values()].sort(byGravity);
  const groups = [
    { name: "Gas", alarms: all.filter((alarm) => alarm.kind === "gas" && !isAside(alarm)) },
    { name: "Trouble", alarms: all.filter((alarm) => alarm.kind === "trouble" && !isAside(alarm)) },
    { name: "Put aside", alarms: all.filter(isAside) },
  ].filter(({ alarms }) => alarms.length > 0);
  return (
    <section className="panel alarms" aria-labelledby="alarms-title">
      <header className="panel-head">
        <h2 id="alarms-title">Alarms</h2>
      </header>
      {groups.map(({ name, alarms }) => (
        <section key={name} aria-label={name}>
          <h3 className="alarm-group">
            {name} <span>{alarms.length}</span>
          </h3>
          <ul className="alarm-list">
            {alarms.map((alarm) => (
              <AlarmRow
                key={alarm.id}
                alarm={alarm}
                me={me}
                channel={channels.find(({ key }) => key === `${alarm.device}.${alarm.channel}`)}
              />
            ))}
          </ul>
        </section>
      ))}
      {groups.length === 0 && (
        <p className="empty">
          <Icon name={loaded && live ? "calm" : "unknown"} />
          {emptyWords(loaded, live)}
        </p>
      )}
    </section>
  );
}

function emptyWords(loaded: boolean, live: boolean): string {
  if (!loaded) return "Fetching alarms…";
  return live ? "No alarms." : "There were no alarms when Davy was last heard.";
}
