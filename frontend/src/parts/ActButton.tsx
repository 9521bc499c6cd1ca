/** A button that stays reachable when it may not be used, and says why. */

import { useId, useState, type ReactNode } from "react";

interface Props {
  /** Null when it may be used, else the reason why not. */
  reason: string | null;
  busy?: boolean;
  strong?: boolean;
  expanded?: boolean;
  onPress: () => void;
  children: ReactNode;
}

/**
 * `aria-disabled` instead of `disabled`: keyboard and screen reader still find it, and pressing
 * it shows the reason, which a touch screen could not show otherwise.
 */
export function ActButton({ reason, busy = false, strong, expanded, onPress, children }: Props) {
  const id = useId();
  const [asked, setAsked] = useState(false);
  const blocked = reason !== null;
  return (
    <span className="act">
      <button
        type="button"
        className={strong ? "button button-strong" : "button"}
        aria-disabled={blocked || busy}
        aria-describedby={blocked ? id : undefined}
        aria-expanded={expanded}
        title={reason ?? undefined}
        onBlur={() => setAsked(false)}
        onClick={() => {
          if (blocked) setAsked(true);
          else if (!busy) onPress();
        }}
      >
        {children}
      </button>
      {blocked && (
        <span id={id} className={asked ? "act-reason" : "act-reason unseen"}>
          {reason}
        </span>
      )}
    </span>
  );
}
