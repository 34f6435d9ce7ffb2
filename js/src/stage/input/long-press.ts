/** A finger that stays where it is: what the right button is to a mouse. */

import type { Place } from "../viewport";

/** As long as systems wait for it. */
const HOLD_MS = 500;
/** A finger is never quite still. */
const STILL_DISTANCE = 10;

export class LongPress {
  private timer = 0;
  private start: Place | null = null;

  /** Call `held` if the finger is still there after a while. */
  begin(place: Place, held: () => void): void {
    this.end();
    this.start = place;
    this.timer = window.setTimeout(() => {
      this.start = null;
      navigator.vibrate?.(15);
      held();
    }, HOLD_MS);
  }

  move(place: Place): void {
    const { start } = this;
    if (start && Math.hypot(place.x - start.x, place.y - start.y) > STILL_DISTANCE) this.end();
  }

  end(): void {
    window.clearTimeout(this.timer);
    this.start = null;
  }
}
