/** Small drawings; each state has its own shape, so colour never speaks alone. */

import type { ReactNode } from "react";
import type { Standing } from "../domain/look";

export type IconName =
  | "gas"
  | "gas-gone"
  | "trouble"
  | "calm"
  | "unknown"
  | "shelved"
  | "out"
  | "valve"
  | "zones"
  | "trend"
  | "bell"
  | "sound"
  | "mute"
  | "open";

const SHAPES: Record<IconName, ReactNode> = {
  gas: <path d="M12 2.5c4.6 5 7 8.3 7 12a7 7 0 0 1-14 0c0-2.3 1-4.2 2.6-6 .4 1.6 1.2 2.5 2.2 3C9.6 8.2 10.5 5.2 12 2.5z" />,
  "gas-gone": (
    <path
      d="M12 3.5c4.2 4.6 6 7.7 6 11a6 6 0 0 1-12 0c0-1.9.8-3.5 2-5 .5 1.4 1.2 2.2 2.3 2.7C10 9 10.7 6.3 12 3.5z"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinejoin="round"
    />
  ),
  trouble: (
    <path
      fillRule="evenodd"
      d="M12 2.8 22.6 21H1.4zM10.9 9.5h2.2v6h-2.2zm0 7.4h2.2V19h-2.2z"
    />
  ),
  calm: (
    <path
      d="m5 12.5 4.6 4.6L19.2 7"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.6"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  ),
  unknown: (
    <path
      d="M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.1-1.5 2.3M12 18.5v.1"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.4"
      strokeLinecap="round"
    />
  ),
  shelved: (
    <path
      d="M12 7v5.5l3.5 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.2"
      strokeLinecap="round"
    />
  ),
  out: (
    <path
      d="M5.6 5.6 18.4 18.4M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.2"
    />
  ),
  valve: <path d="M3 8v9l8-4.5zm18 0v9l-8-4.5zM11 5h2v6h-2zM7.5 3h9v2.2h-9z" />,
  zones: <path d="M3 3h8v8H3zm10 0h8v8h-8zM3 13h8v8H3zm10 0h8v8h-8z" />,
  trend: (
    <path
      d="m3 17 5-6 4 3.5L21 5"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.4"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  ),
  bell: <path d="M12 2.5a6.5 6.5 0 0 1 6.5 6.5c0 5 1.5 6.5 2.5 7.5v1H3v-1c1-1 2.5-2.5 2.5-7.5A6.5 6.5 0 0 1 12 2.5zM9.5 19h5a2.5 2.5 0 0 1-5 0z" />,
  sound: (
    <path
      d="M3 9v6h4l5 4.5v-15L7 9zm12.5-.8a5 5 0 0 1 0 7.6m2.7-10.3a9 9 0 0 1 0 13"
      stroke="currentColor"
      strokeWidth="1.6"
      fillRule="evenodd"
      fillOpacity="0.25"
      strokeLinejoin="round"
    />
  ),
  mute: (
    <path
      d="M3 9v6h4l5 4.5v-15L7 9zm12.5.5 5 5m0-5-5 5"
      stroke="currentColor"
      strokeWidth="1.6"
      fillOpacity="0.25"
      strokeLinejoin="round"
    />
  ),
  open: (
    <path
      d="m6 9 6 6 6-6"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.4"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  ),
};

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true">
      {SHAPES[name]}
    </svg>
  );
}

/** The icon of a standing: a flame for gas, an empty one when it is gone, a triangle for trouble. */
export function iconOf({ kind, look }: Standing): IconName {
  if (look === "shelved" || look === "out" || look === "unknown" || look === "calm") return look;
  if (kind === "trouble") return "trouble";
  return look === "slow" || look === "outline" ? "gas-gone" : "gas";
}

/** The Davy lamp: a flame behind a gauze. */
export function Lamp() {
  return (
    <svg className="lamp" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M12.6 5a3.4 3.4 0 0 1 6.8 0" fill="none" className="lamp-brass-line" />
      <rect x="9" y="6" width="14" height="3.6" rx="1.6" className="lamp-brass" />
      <rect x="10.4" y="9.6" width="11.2" height="13" className="lamp-glass" />
      <path
        d="M12.6 9.6v13m2.3-13v13m2.3-13v13m2.3-13v13M10.4 12.8h11.2m-11.2 3.2h11.2m-11.2 3.2h11.2"
        className="lamp-gauze"
      />
      <path d="M16 11.5c2.8 3.2 4 5 4 7a4 4 0 0 1-8 0c0-2 1.2-3.8 4-7z" className="lamp-flame" />
      <rect x="8" y="22.4" width="16" height="6.6" rx="2" className="lamp-brass" />
    </svg>
  );
}
