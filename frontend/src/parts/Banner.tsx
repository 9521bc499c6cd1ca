/** What nobody may overlook: gas that stands unacknowledged, and a page that is not live. */

import { useEffect } from "react";
import { useAct } from "../api/queries";
import type { Alarm, Channel, Me } from "../api/types";
import { ago, quantity } from "../domain/format";
import { byGravity, isUrgent } from "../domain/look";
import { whyNot } from "../domain/rights";
import { levelWord, title } from "../domain/words";
import { asShown } from "../domain/worst";
import { useNow } from "../live/clock";
import { isLive, useLive } from "../live/store";
import { ActButton } from "./ActButton";
import { alarmAnchor } from "./AlarmRow";
import { Icon } from "./Icon";

interface Props {
  me: Me;
  channels: readonly Channel[];
  onShow: () => void;
}

export function Banner({ me, channels, onShow }: Props) {
  const alarms = useLive("alarms");
  const urgent = [...alarms.values()].filter(isUrgent).sort(byGravity);
  const [first] = urgent;
  useTitle(first, urgent.length);
  return first ? (
    <Gas first={first} count={urgent.length} me={me} channels={channels} onShow={onShow} />
  ) : null;
}

interface GasProps extends Props {
  first: Alarm;
  count: number;
}

function Gas({ first, count, me, channels, onShow }: GasProps) {
  const now_s = useNow();
  const act = useAct(first.id);
  const channel = channels.find(({ key }) => key === `${first.device}.${first.channel}`);
  const raised = first.value === null ? null : asShown(channel, first.value, first.unit);
  const show = () => {
    onShow();
    requestAnimationFrame(() => {
      const row = document.getElementById(alarmAnchor(first.id));
      row?.scrollIntoView({ block: "center" });
      row?.focus({ preventScroll: true });
    });
  };
  return (
    <div className="banner banner-gas">
      <Icon name="gas" />
      <p>
        <strong role="alert">
          Gas in {title(first.zone)}: {levelWord(first.level)}
        </strong>{" "}
        <span>
          {raised && <>raised at {quantity(raised.value, raised.unit)}, </>}
          {ago(first.raised_at ?? first.changed_at, now_s)}, not acknowledged
          {count > 1 && <>; {count - 1} more</>}
        </span>
        {act.error && <span role="alert"> Not done: {act.error.message}</span>}
      </p>
      <div className="row">
        <ActButton
          reason={whyNot("ack", first, me.role)}
          busy={act.isPending}
          strong
          onPress={() => act.mutate({ what: "ack" })}
        >
          Acknowledge
        </ActButton>
        <button type="button" className="button" onClick={show}>
          Show
        </button>
      </div>
    </div>
  );
}

function useTitle(first: Alarm | undefined, count: number): void {
  const words = first
    ? `⚠ GAS ${title(first.zone)}${count > 1 ? ` +${count - 1}` : ""} – Davy`
    : "Davy";
  useEffect(() => {
    document.title = words;
    return () => {
      document.title = "Davy";
    };
  }, [words]);
}

/** Says so when what is on screen may be old. */
export function NotLive() {
  const connection = useLive("connection");
  if (isLive(connection)) return null;
  return (
    <div className="banner banner-stale" role="alert">
      <Icon name="unknown" />
      <p>
        <strong>Not live.</strong>{" "}
        {connection === "stale"
          ? "Nothing has been heard from Davy for 20 seconds; what you see may be old."
          : "The connection to Davy is lost; trying again. What you see may be old."}
      </p>
    </div>
  );
}
