/** The name, what stands now in one line, sound, and who is signed in. */

import { useEffect, useRef, useState } from "react";
import type { Me } from "../api/types";
import { isAside, isUrgent } from "../domain/look";
import { Horn } from "../live/horn";
import { isLive, useLive } from "../live/store";
import { Icon, Lamp } from "./Icon";

interface Props {
  me: Me;
  onLogout: () => void;
}

export function Header({ me, onLogout }: Props) {
  return (
    <header className="top">
      <h1>
        <Lamp /> <span>Davy</span>
      </h1>
      <Tally />
      <Sound />
      <p className="who">
        {me.name} <small>{me.role}</small>
      </p>
      <button type="button" className="button button-quiet" onClick={onLogout}>
        Sign out
      </button>
    </header>
  );
}

/** How many alarms stand, read out politely whenever that changes. */
function Tally() {
  const live = isLive(useLive("connection"));
  const alarms = [...useLive("alarms").values()];
  const aside = alarms.filter(isAside).length;
  const gas = alarms.filter((alarm) => alarm.kind === "gas" && !isAside(alarm)).length;
  const trouble = alarms.length - aside - gas;
  return (
    <p className="tally" role="status">
      {gas > 0 && (
        <span data-kind="gas">
          <Icon name="gas" /> {gas} <span className="tally-word">gas</span>
        </span>
      )}
      {trouble > 0 && (
        <span data-kind="trouble">
          <Icon name="trouble" /> {trouble} <span className="tally-word">trouble</span>
        </span>
      )}
      {aside > 0 && (
        <span data-kind="aside">
          <Icon name="shelved" /> {aside} <span className="tally-word">put aside</span>
        </span>
      )}
      {alarms.length === 0 && (
        <span data-kind={live ? "none" : "aside"}>
          <Icon name={live ? "calm" : "unknown"} /> {live ? "No alarms" : "Not live"}
        </span>
      )}
    </p>
  );
}

function Sound() {
  const [on, setOn] = useState(false);
  const horn = useRef<Horn | null>(null);
  const sounding = [...useLive("alarms").values()].some(isUrgent);

  useEffect(() => {
    if (on && sounding) horn.current?.start();
    else horn.current?.stop();
  }, [on, sounding]);
  useEffect(() => () => horn.current?.stop(), []);

  return (
    <button
      type="button"
      className="button button-quiet"
      aria-pressed={on}
      title="A horn while gas stands unacknowledged, in this browser only"
      onClick={() => {
        horn.current ??= new Horn();
        if (!on) horn.current.arm();
        setOn(!on);
      }}
    >
      <Icon name={on ? "sound" : "mute"} />
      <span className="sound-word">{on ? "Sound on" : "Sound off"}</span>
    </button>
  );
}
