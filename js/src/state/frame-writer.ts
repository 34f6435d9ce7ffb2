/** Tells the kernel's widget which frame the view is at: each where it rests, some while it moves. */

import type { Store, Topic } from "./store";

/** Between two while the view moves: to write one goes to the kernel and back, as a click does. */
const PERIOD_MS = 250;

export class FrameWriter {
  private due = false;
  private wroteAt = Number.NEGATIVE_INFINITY;
  private timer = 0;

  constructor(
    private readonly store: Store,
    private readonly write: (frame: number) => void,
  ) {}

  /** Write what is still to be written. */
  close(): void {
    if (this.due) this.flush();
  }

  update(topics: Set<Topic>): void {
    this.due ||= topics.has("frame");
    if (!this.due) return;
    const left = this.wroteAt + PERIOD_MS - performance.now();
    if (!this.store.moving || left <= 0) this.flush();
    else if (!this.timer) this.timer = window.setTimeout(() => this.flush(), left);
  }

  private flush(): void {
    window.clearTimeout(this.timer);
    this.timer = 0;
    this.due = false;
    this.wroteAt = performance.now();
    this.write(this.store.state.frame);
  }
}
