/** What a person may do to an alarm now, or in words why not. The server has the last word. */

import type { Alarm, AlarmAct, Role } from "../api/types";

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Null when it is allowed, else the reason as a sentence. */
export function whyNot(act: AlarmAct, alarm: Alarm, role: Role): string | null {
  if (RANK[role] < RANK.operator) {
    return `You are signed in as a ${role}; this needs an operator.`;
  }
  return OBSTACLES[act](alarm);
}

const OBSTACLES: Record<AlarmAct, (alarm: Alarm) => string | null> = {
  ack: ({ state }) =>
    state === "unacked" || state === "rtn_unacked" ? null : "It is acknowledged already.",
  reset: ({ state }) => {
    if (state === "latched") return null;
    if (state === "rtn_unacked") return "Acknowledge it first.";
    if (state === "shelved" || state === "out_of_service") return "It is not in service now.";
    return "The condition still stands; reset works once it is gone.";
  },
  shelve: ({ state }) => (state === "shelved" ? "It is shelved already." : null),
  unshelve: ({ state }) => (state === "shelved" ? null : "It is not shelved."),
  "out-of-service": ({ state }) =>
    state === "out_of_service" ? "It is out of service already." : null,
  "in-service": ({ state }) => (state === "out_of_service" ? null : "It is in service already."),
  comment: () => null,
};

/** The buttons that make sense for an alarm, allowed or not, in the order in which they stand. */
export function actsFor(alarm: Alarm): AlarmAct[] {
  if (alarm.state === "out_of_service") return ["in-service"];
  if (alarm.state === "shelved") return ["unshelve"];
  return alarm.latching ? ["ack", "reset", "shelve"] : ["ack", "shelve"];
}
