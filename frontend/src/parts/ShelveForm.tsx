/** For how long an alarm shall be put aside, and why; shelving always ends by itself. */

import { useState } from "react";

interface Props {
  busy: boolean;
  onShelve: (for_s: number, note: string) => void;
  onCancel: () => void;
}

export function ShelveForm({ busy, onShelve, onCancel }: Props) {
  const [hours, setHours] = useState(1);
  const [note, setNote] = useState("");
  return (
    <form
      className="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) onShelve(hours * 3600, note.trim());
      }}
    >
      <fieldset>
        <legend>Shelve for</legend>
        {[1, 8].map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name="hours"
              checked={hours === choice}
              onChange={() => setHours(choice)}
            />
            {choice} h
          </label>
        ))}
      </fieldset>
      <label className="field">
        Why
        <input
          value={note}
          onChange={(event) => setNote(event.target.value)}
          placeholder="Sensor is being replaced"
          maxLength={500}
          required
          autoFocus
        />
      </label>
      <div className="row">
        <button type="submit" className="button button-strong" aria-disabled={busy}>
          Shelve for {hours} h
        </button>
        <button type="button" className="button button-quiet" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
