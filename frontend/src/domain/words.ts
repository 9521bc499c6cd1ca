/** What the API's short names are called when a tired person reads them at three in the morning. */

const LEVELS: Record<string, string> = {
  low: "Low",
  high: "High",
  "high-high": "High-high",
  rise: "Rising fast",
  stel: "15-minute exposure (STEL)",
  twa: "8-hour exposure (TWA)",
  "co-dose": "Carbon monoxide dose",
  silent: "Device silent",
  fault: "Sensor fault",
  "warm-up": "Warming up",
  uncalibrated: "Not calibrated",
  executive: "Executive action",
  stuck: "Value stands still",
  drift: "Sensor drifts",
  tamper: "Readings may be tampered with",
};

const FLAGS: Record<string, string> = {
  "not-a-number": "no number",
  "out-of-range": "out of range",
  duplicate: "duplicate",
  future: "clock runs ahead",
  late: "back-filled",
  "out-of-order": "out of order",
  "below-curve": "below the sensor's range",
  "above-curve": "above the sensor's range",
  open: "fault: sensor open",
  shorted: "fault: sensor shorted",
  "warm-up": "warming up",
  uncalibrated: "not calibrated",
  uncompensated: "no temperature correction",
};

const FAULTS = new Set(["not-a-number", "out-of-range", "open", "shorted"]);

const EVENTS: Record<string, string> = {
  rise: "Began",
  fall: "Ended",
  ack: "Acknowledged",
  reset: "Reset",
  shelve: "Shelved",
  unshelve: "Unshelved",
  "out-of-service": "Taken out of service",
  "in-service": "Returned to service",
  comment: "Comment",
};

const UNITS: Record<string, string> = { Cel: "°C", "Cel/min": "°C/min", count: "", "/": "Rs/R0" };

/** `boiler-room` → `Boiler room`. */
export function title(name: string): string {
  const words = name.replaceAll(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const levelWord = (level: string): string => LEVELS[level] ?? title(level);
export const flagWord = (flag: string): string => FLAGS[flag] ?? flag.replaceAll("-", " ");
export const eventWord = (event: string): string => EVENTS[event] ?? title(event);
export const unitWord = (unit: string): string => UNITS[unit] ?? unit;

/** Whether a flag leaves no usable value behind. */
export const isFault = (flag: string): boolean => FAULTS.has(flag);

/** How loud a limit is, 1 to 3, drawn as bars so that colour never stands alone. */
export function severity(level: string): 1 | 2 | 3 {
  if (level === "high-high" || level === "executive") return 3;
  if (level === "high" || level === "stel" || level === "co-dose") return 2;
  return 1;
}
