/** The past and present of one channel, with its limits. */

import { lazy, Suspense, useMemo, useState } from "react";
import type { Channel, Device } from "../api/types";
import { ago, moment, quantity, reading } from "../domain/format";
import { RANGES, type RangeName } from "../domain/route";
import type { Series } from "../domain/series";
import { levelWord, title } from "../domain/words";
import { scaleOf, shown, unitOf, valueLimits } from "../domain/worst";
import { useNow } from "../live/clock";
import { useSeries } from "../live/series";
import { useLive } from "../live/store";
import { channelTitle } from "../parts/ChannelRow";

const Chart = lazy(() => import("../parts/Chart"));

interface Props {
  channel: Channel;
  channels: readonly Channel[];
  devices: readonly Device[];
  range: RangeName;
  onChoose: (key: string) => void;
  onRange: (range: RangeName) => void;
}

export function Trend({ channel, channels, devices, range, onChoose, onRange }: Props) {
  const seconds = RANGES.find(({ name }) => name === range)?.seconds ?? 900;
  const live = useSeries(channel.key, seconds);
  const [cursor, setCursor] = useState<number | null>(null);
  const latest = useLive(`channel:${channel.key}`) ?? channel.latest;
  const unit = unitOf(channel);
  const scale = scaleOf(channel);
  const thresholds = useMemo(
    () =>
      valueLimits(channel).map(({ level, on }) => ({
        word: `${levelWord(level)} ${quantity(on * scale, unit)}`,
        value: on * scale,
      })),
    [channel, scale, unit],
  );
  const heartbeat_s = devices.find(({ id }) => id === channel.device)?.heartbeat_s ?? 60;
  const now_s = useNow();
  const now = shown(channel, latest);
  const words = live.series ? summary(live.series, scale, unit) : "";
  return (
    <section className="panel trend" aria-labelledby="trend-title">
      <header className="panel-head">
        <h2 id="trend-title">Trend</h2>
        <select
          aria-label="Channel"
          value={channel.key}
          onChange={(event) => onChoose(event.target.value)}
        >
          {channels.map((each) => (
            <option key={each.key} value={each.key}>
              {title(each.zone.split(".").at(-1) ?? "")} · {channelTitle(each)} ({each.key})
            </option>
          ))}
        </select>
        <div className="ranges" role="group" aria-label="Time range">
          {RANGES.map(({ name, words: label }) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === range}
              onClick={() => onRange(name)}
            >
              {label}
            </button>
          ))}
        </div>
      </header>
      <p className="readout">
        {live.series && cursor !== null ? (
          <Readout series={live.series} cursor={cursor} scale={scale} unit={unit} />
        ) : (
          <>
            <strong>{quantity(now.value, now.unit, reading)}</strong>{" "}
            {latest ? ago(latest.time_s, now_s) : "no reading yet"}
            {words && <span className="dim"> · {words}</span>}
          </>
        )}
      </p>
      <div className="chart-box">
        {live.series && live.series.time_s.length > 0 ? (
          <Suspense fallback={<p className="chart-note">Drawing…</p>}>
            <Chart
              series={live.series}
              version={live.version}
              scale={scale}
              unit={unit}
              seconds={seconds}
              gap_s={heartbeat_s * 2}
              thresholds={thresholds}
              onCursor={setCursor}
              label={`${channel.key}, last ${RANGES.find(({ name }) => name === range)?.words}: ${words}`}
            />
          </Suspense>
        ) : (
          <p className="chart-note">{note(live.status, live.error)}</p>
        )}
      </div>
    </section>
  );
}

function note(status: "loading" | "ready" | "failed", error: string): string {
  if (status === "failed") return `The history cannot be shown: ${error}`;
  return status === "loading" ? "Fetching history…" : "Nothing was heard in this time.";
}

function summary(series: Series, scale: number, unit: string): string {
  if (series.time_s.length === 0) return "";
  const low = Math.min(...series.min) * scale;
  const high = Math.max(...series.max) * scale;
  return `lowest ${quantity(low, unit)}, highest ${quantity(high, unit)}`;
}

interface ReadoutProps {
  series: Series;
  cursor: number;
  scale: number;
  unit: string;
}

/** The bucket under the cursor; found by time, since the chart holds gaps that the series lacks. */
function Readout({ series, cursor, scale, unit }: ReadoutProps) {
  const at = series.time_s.indexOf(cursor);
  const time_s = series.time_s[at];
  if (time_s === undefined) return <>–</>;
  return (
    <>
      <strong>{quantity((series.mean[at] as number) * scale, unit)}</strong>{" "}
      {moment(time_s, Date.now() / 1000)}
      <span className="dim">
        {" "}
        · {quantity((series.min[at] as number) * scale, unit)} to{" "}
        {quantity((series.max[at] as number) * scale, unit)}
      </span>
    </>
  );
}
