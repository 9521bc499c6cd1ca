/** Numbers and times as people read them. */

import { unitWord } from "./words";

const LOCALE = "en-GB";

/** Enough digits to see a change, not more: 0.42, 4.2, 42.3, 423, 4,230. */
export const number = (value: number): string =>
  value.toLocaleString(LOCALE, { maximumFractionDigits: digitsOf(value) });

/** A number that moves: it keeps its digits (0.80, not 0.8), so that it does not jump about. */
export const reading = (value: number): string =>
  value.toLocaleString(LOCALE, {
    minimumFractionDigits: digitsOf(value),
    maximumFractionDigits: digitsOf(value),
  });

function digitsOf(value: number): number {
  const size = Math.abs(value);
  if (size >= 100) return 0;
  return size >= 1 ? 1 : 2;
}

/** A value with its unit: `42.3 °C`; a dash where there is none. */
export function quantity(
  value: number | null | undefined,
  unit: string,
  write: (value: number) => string = number,
): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const word = unitWord(unit);
  return word ? `${write(value)} ${word}` : write(value);
}

/** How far behind the newest reading the pipeline is. */
export const lag = (seconds: number): string =>
  seconds < 1 ? `${Math.round(seconds * 1000)} ms` : duration(seconds);

/** How long something lasts, in its largest sensible unit. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) {
    const minutes = Math.floor((s % 3600) / 60);
    return minutes ? `${Math.floor(s / 3600)} h ${minutes} min` : `${Math.floor(s / 3600)} h`;
  }
  const hours = Math.floor((s % 86_400) / 3600);
  return hours ? `${Math.floor(s / 86_400)} d ${hours} h` : `${Math.floor(s / 86_400)} d`;
}

/** `3 s ago`; a clock that runs ahead says so. */
export function ago(time_s: number | null | undefined, now_s: number): string {
  if (time_s === null || time_s === undefined) return "never";
  const passed = now_s - time_s;
  if (passed < -5) return `${duration(-passed)} ahead`;
  return passed < 1.5 ? "now" : `${duration(passed)} ago`;
}

/** Time of day; with the date when it was not today. */
export function moment(time_s: number, now_s: number): string {
  const at = new Date(time_s * 1000);
  const clock = at.toLocaleTimeString(LOCALE);
  const today = new Date(now_s * 1000).toDateString() === at.toDateString();
  if (today) return clock;
  return `${at.toLocaleDateString(LOCALE, { day: "numeric", month: "short" })} ${clock}`;
}
