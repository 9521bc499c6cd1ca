/** An alarm's life so far, newest first, and a line to add to it. */

import { useState } from "react";
import { useAct, useStory } from "../api/queries";
import type { Alarm, Me } from "../api/types";
import { moment, quantity } from "../domain/format";
import { whyNot } from "../domain/rights";
import { eventWord } from "../domain/words";
import { useNow } from "../live/clock";

export function Story({ alarm, me }: { alarm: Alarm; me: Me }) {
  const story = useStory(alarm);
  const now_s = useNow();
  if (story.error) return <p className="refusal">{story.error.message}</p>;
  if (!story.data) return <p className="dim">Fetching its story…</p>;
  return (
    <div className="story">
      <ol>
        {story.data.map((step) => (
          <li key={`${step.at_s} ${step.event}`}>
            <time dateTime={new Date(step.at_s * 1000).toISOString()}>
              {moment(step.at_s, now_s)}
            </time>
            <span>
              <strong>{eventWord(step.event)}</strong>
              {step.value !== null && <> at {quantity(step.value, alarm.unit)}</>}
              {step.by && <> by {step.by}</>}
              {step.note && <q>{step.note}</q>}
            </span>
          </li>
        ))}
        {story.data.length === 0 && <li className="dim">Nothing yet.</li>}
      </ol>
      {whyNot("comment", alarm, me.role) === null && <Comment alarm={alarm} onDone={story.refetch} />}
    </div>
  );
}

function Comment({ alarm, onDone }: { alarm: Alarm; onDone: () => unknown }) {
  const [note, setNote] = useState("");
  const act = useAct(alarm.id);
  return (
    <form
      className="comment"
      onSubmit={(event) => {
        event.preventDefault();
        const said = note.trim();
        if (!said || act.isPending) return;
        act.mutate(
          { what: "comment", note: said },
          {
            onSuccess: () => {
              setNote("");
              onDone();
            },
          },
        );
      }}
    >
      <input
        aria-label="Comment"
        placeholder="Add a comment"
        value={note}
        maxLength={500}
        onChange={(event) => setNote(event.target.value)}
      />
      <button type="submit" className="button">
        Add
      </button>
      {act.error && (
        <p className="refusal" role="alert">
          Not done: {act.error.message}
        </p>
      )}
    </form>
  );
}
