/** uPlot inside React: min–max band, mean line, the channel's limits as dashed lines. */

import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { columns, type Series } from "../domain/series";

export interface Threshold {
  word: string;
  value: number;
}

interface Props {
  series: Series;
  version: number;
  /** From the channel's unit to the shown one. */
  scale: number;
  unit: string;
  seconds: number;
  gap_s: number;
  thresholds: readonly Threshold[];
  /** The time under the pointer, null when it is elsewhere. */
  onCursor: (time_s: number | null) => void;
  label: string;
}

const NOT_DRAWN = { show: true, points: { show: false }, width: 0 } as const;

const useDark = (): boolean => {
  const query = "(prefers-color-scheme: dark)";
  const [dark, setDark] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const hear = () => setDark(list.matches);
    list.addEventListener("change", hear);
    return () => list.removeEventListener("change", hear);
  }, []);
  return dark;
};

export default function Chart(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const now = useRef(props);
  now.current = props;
  const dark = useDark();

  // The plot is made anew when its looks change; data only flows into it.
  useEffect(() => {
    const host = box.current;
    if (!host) return;
    const made = new uPlot(optionsFor(host, now), dataOf(now.current), host);
    plot.current = made;
    const watch = new ResizeObserver(() =>
      made.setSize({ width: host.clientWidth, height: host.clientHeight }),
    );
    watch.observe(host);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [dark, props.unit, props.seconds]);

  useEffect(() => {
    plot.current?.setData(dataOf(props));
  }, [props.series, props.version, props.scale, props.gap_s, props.thresholds]);

  return <div ref={box} className="chart" role="img" aria-label={props.label} />;
}

const dataOf = ({ series, scale, gap_s }: Props): uPlot.AlignedData =>
  columns(series, scale, gap_s);

function optionsFor(host: HTMLElement, now: { current: Props }): uPlot.Options {
  const style = getComputedStyle(host);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  // Everything else grows with the root's font on a wall screen; a canvas must be told.
  const zoom = zoomOf();
  const axis: uPlot.Axis = {
    stroke: colour("--dim"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: `${12 * zoom}px ${style.fontFamily}`,
    size: 34 * zoom,
  };
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => windowOf(now.current) },
      y: { range: (_plot, low, high) => heightOf(now.current.thresholds, low, high) },
    },
    axes: [
      {
        ...axis,
        space: 60 * zoom,
        values: (_plot, splits) => splits.map((at) => timeLabel(at, now.current.seconds)),
      },
      { ...axis, size: 52 * zoom },
    ],
    series: [
      {},
      NOT_DRAWN,
      NOT_DRAWN,
      { stroke: colour("--accent"), width: 2, points: { show: false } },
    ],
    bands: [{ series: [2, 1], fill: colour("--band") }],
    hooks: {
      draw: [(drawn) => drawThresholds(drawn, now.current, colour("--gas-line"), style.fontFamily)],
      setCursor: [
        ({ cursor: { idx }, data }) => now.current.onCursor(data[0][idx ?? -1] ?? null),
      ],
    },
  };
}

const zoomOf = () =>
  Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;

function windowOf({ series, seconds }: Props): [number, number] {
  const end = Math.max(Date.now() / 1000, (series.time_s.at(-1) ?? 0) + series.bucket_s);
  return [end - seconds, end];
}

/** Room for the data and for the nearest limit above it, so that one sees how far it is. */
export function heightOf(
  thresholds: readonly Threshold[],
  low: number | null,
  high: number | null,
): [number, number] {
  const floor = Math.min(0, low ?? 0);
  const top = high ?? 0;
  const next = thresholds
    .map(({ value }) => value)
    .filter((value) => value > top)
    .sort((a, b) => a - b)[0];
  const wanted = next !== undefined && (top <= 0 || next <= top * 8) ? next : top;
  const start = low !== null && low > 0 && low > (top - low) * 4 && next === undefined ? low : floor;
  const room = (Math.max(wanted, top) - start) * 0.08 || 1;
  return [start === floor ? floor : start - room, Math.max(wanted, top) + room];
}

function timeLabel(at_s: number, seconds: number): string {
  const at = new Date(at_s * 1000);
  if (seconds > 90_000) {
    return at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  }
  return at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

function drawThresholds(plot: uPlot, props: Props, colour: string, family: string): void {
  const { ctx } = plot;
  const { left, width, top, height } = plot.bbox;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.font = `600 ${11 * zoomOf() * devicePixelRatio}px ${family}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  for (const { word, value } of props.thresholds) {
    const y = Math.round(plot.valToPos(value, "y", true));
    if (y < top || y > top + height) continue;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.fillText(word, left + 6 * devicePixelRatio, y - 2 * devicePixelRatio);
  }
  ctx.restore();
}
