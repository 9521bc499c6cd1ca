/** One alarm: what, where, since when, what to do, and its story when it is opened. */

import { useState } from "react";
import { useAct } from "../api/queries";
import type { Alarm, AlarmAct, Channel, Me } from "../api/types";
import { ago, duration, moment, quantity } from "../domain/format";
import { standing } from "../domain/look";
import { actsFor, whyNot } from "../domain/rights";
import { severity, title } from "../domain/words";
import { asShown } from "../domain/worst";
import { useNow } from "../live/clock";
import { ActButton } from "./ActButton";
import { Icon, iconOf } from "./Icon";
import { ShelveForm } from "./ShelveForm";
import { Story } from "./Story";

const ACTS: Record<AlarmAct, string> = {
  ack: "Acknowledge",
  reset: "Reset",
  shelve: "Shelve",
  unshelve: "Unshelve",
  "out-of-service": "Take out of service",
  "in-service": "Return to service",
  comment: "Comment",
};

export const alarmAnchor = (id: string): string => `alarm-${id}`;

interface Props {
  alarm: Alarm;
  me: Me;
  /** Its channel where it has one: values are shown in the unit of its card. */
  channel: Channel | undefined;
}

export function AlarmRow({ alarm, me, channel }: Props) {
  const [open, setOpen] = useState(false);
  const [shelving, setShelving] = useState(false);
  const act = useAct(alarm.id);
  const now = standing(alarm);
  return (
    <li
      className="alarm"
      id={alarmAnchor(alarm.id)}
      data-kind={now.kind}
      data-look={now.look}
      tabIndex={-1}
    >
      <div className="alarm-head">
        <Icon name={alarm.level === "executive" ? "valve" : iconOf(now)} />
        <div>
          <h3>
            {now.headline}
            {alarm.kind === "gas" && <Bars level={alarm.level} />}
          </h3>
          <p className="alarm-state">{now.detail}</p>
        </div>
        <AtRaise alarm={alarm} channel={channel} />
      </div>
      <Where alarm={alarm} />
      <Badges alarm={alarm} />
      <div className="alarm-acts">
        {actsFor(alarm).map((what) => (
          <ActButton
            key={what}
            reason={whyNot(what, alarm, me.role)}
            busy={act.isPending}
            strong={what === "ack" || (what === "reset" && alarm.state === "latched")}
            {...(what === "shelve" && { expanded: shelving })}
            onPress={() => (what === "shelve" ? setShelving(!shelving) : act.mutate({ what }))}
          >
            {ACTS[what]}
          </ActButton>
        ))}
        <button
          type="button"
          className="button button-quiet"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          Story <Icon name="open" />
        </button>
      </div>
      {shelving && (
        <ShelveForm
          busy={act.isPending}
          onCancel={() => setShelving(false)}
          onShelve={(for_s, note) =>
            act.mutate(
              { what: "shelve", for_s, note },
              { onSuccess: () => setShelving(false) },
            )
          }
        />
      )}
      {act.error && (
        <p className="refusal" role="alert">
          Not done: {act.error.message}
        </p>
      )}
      {open && <Story alarm={alarm} me={me} />}
    </li>
  );
}

/** What it was when it began, beside its limit; nothing where there is no quantity. */
function AtRaise({ alarm, channel }: { alarm: Alarm; channel: Channel | undefined }) {
  if (alarm.value === null || !alarm.unit) return null;
  const value = asShown(channel, alarm.value, alarm.unit);
  const limit = asShown(channel, alarm.setpoint, alarm.unit);
  return (
    <p className="alarm-value" title={`${quantity(alarm.value, alarm.unit)} when it was raised`}>
      <small>raised at</small>
      {quantity(value.value, value.unit)}
      <small>limit {quantity(limit.value, limit.unit)}</small>
    </p>
  );
}

function Where({ alarm }: { alarm: Alarm }) {
  const now_s = useNow();
  const device = [alarm.device, alarm.channel].filter(Boolean).join(".");
  const since_s = alarm.raised_at ?? alarm.changed_at;
  return (
    <p className="alarm-where">
      <strong>{title(alarm.zone || alarm.site || "Davy")}</strong>
      {device && <> · {device}</>} ·{" "}
      <time dateTime={new Date(since_s * 1000).toISOString()}>
        {moment(since_s, now_s)} ({ago(since_s, now_s)})
      </time>
      {alarm.by && <> · by {alarm.by}</>}
      {alarm.state === "shelved" && alarm.shelved_until !== null && (
        <> · shelved for {duration(alarm.shelved_until - now_s)} more</>
      )}
      {alarm.note && <q>{alarm.note}</q>}
    </p>
  );
}

function Badges({ alarm }: { alarm: Alarm }) {
  const badges: [boolean, string, string][] = [
    [alarm.unverified, "unverified", "These readings look odd. They alarm all the same."],
    [alarm.backfilled, "back-filled", "It was measured earlier and arrived late."],
    [alarm.uncertified, "uncertified", "This sensor cannot support the standard of this alarm."],
  ];
  const shown = badges.filter(([on]) => on);
  if (shown.length === 0) return null;
  return (
    <ul className="badges">
      {shown.map(([, word, why]) => (
        <li key={word} className="badge" title={why}>
          {word}
          <span className="unseen">. {why}</span>
        </li>
      ))}
    </ul>
  );
}

function Bars({ level }: { level: string }) {
  const height = severity(level);
  return (
    <span className="bars" aria-hidden="true">
      {[1, 2, 3].map((bar) => (
        <i key={bar} className={bar <= height ? "on" : ""} />
      ))}
    </span>
  );
}
