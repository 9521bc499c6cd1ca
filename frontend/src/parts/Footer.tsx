/** Davy's own health: whether this page is live, what troubles Davy, and what Davy is not. */

import { duration, lag, number } from "../domain/format";
import { title } from "../domain/words";
import { useNow } from "../live/clock";
import { useLive, type ConnectionState } from "../live/store";

const WORDS: Record<ConnectionState, string> = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  stale: "Not live",
};

export function Footer() {
  const connection = useLive("connection");
  const health = useLive("health");
  const troubles = health?.troubles ?? [];
  return (
    <footer className="foot">
      <p className="foot-line">
        <span className="pulse" data-state={connection}>
          {WORDS[connection]}
        </span>
        {health && (
          <>
            <span>{number(health.readings_per_s)} readings/s</span>
            <span>{lag(health.lag_s)} behind</span>
            <span>{health.status === "ok" ? "Davy is well" : "Davy has trouble"}</span>
            <span>version {health.version}</span>
          </>
        )}
      </p>
      {troubles.length > 0 && (
        <ul className="foot-troubles">
          {troubles.map((trouble) => (
            <TroubleLine key={trouble.what} {...trouble} />
          ))}
        </ul>
      )}
      <p className="foot-honest">Davy is not a certified safety device.</p>
    </footer>
  );
}

function TroubleLine({ what, since_s, detail }: { what: string; since_s: number; detail: string }) {
  const now_s = useNow();
  return (
    <li>
      <strong>{title(what)}</strong> for {duration(now_s - since_s)}: {detail}
    </li>
  );
}
