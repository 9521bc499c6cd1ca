/** One channel of a zone: its name, its last minutes, its value and what is wrong with it. */

import type { Channel } from "../api/types";
import { quantity, reading } from "../domain/format";
import { flagWord, isFault, title } from "../domain/words";
import { readsInLel, shown } from "../domain/worst";
import { useOlder } from "../live/clock";
import { useLive } from "../live/store";
import { Sparkline } from "./Sparkline";

/** Flags that would only repeat what a trouble alarm or the value itself says better. */
const QUIET = new Set(["duplicate", "out-of-order", "below-curve"]);

/** What a channel is called: its gas, else its name; the part stands below. */
export const channelTitle = (channel: Channel): string => title(channel.gas ?? channel.name);

interface Props {
  channel: Channel;
  /** After this many seconds its value is old. */
  patience_s: number;
  chosen: boolean;
  onChoose: (key: string) => void;
}

export function ChannelRow({ channel, patience_s, chosen, onChoose }: Props) {
  const latest = useLive(`channel:${channel.key}`) ?? channel.latest;
  const now = shown(channel, latest);
  const flags = new Set((latest?.flags ?? []).filter((flag) => !QUIET.has(flag)));
  if (!channel.calibrated && channel.part && channel.quantity === "gas") flags.add("uncalibrated");
  const old = useOlder(latest?.time_s, patience_s);
  const odd = (latest?.suspicion ?? 0) >= 0.5;
  return (
    <li>
      <button
        type="button"
        className="channel"
        aria-pressed={chosen}
        onClick={() => onChoose(channel.key)}
        title={`Show the trend of ${channel.key}`}
      >
        <span className="channel-name">
          {channelTitle(channel)}
          <small>{channel.part ? `${channel.device} · ${channel.part}` : channel.device}</small>
        </span>
        <Sparkline channel={channel} />
        <span className="channel-value" data-old={old}>
          {quantity(now.value, now.unit, reading)}
          {readsInLel(channel) && now.value !== null && latest && (
            <small>{quantity(latest.value, channel.unit)}</small>
          )}
        </span>
        {(flags.size > 0 || odd || old) && (
          <span className="channel-flags">
            {[...flags].map((flag) => (
              <span key={flag} className={isFault(flag) ? "flag flag-fault" : "flag"}>
                {flagWord(flag)}
              </span>
            ))}
            {old && <span className="flag">old value</span>}
            {odd && <span className="flag flag-odd">looks odd, unverified</span>}
          </span>
        )}
      </button>
    </li>
  );
}
