/** Says aloud, for screen readers, what has happened. */

import { h } from "./dom";
import type { ProgressMessage } from "./protocol";
import type { Store, Topic } from "./store";

export class Announcer {
  readonly element = h("div", { class: "s2w-unseen", "aria-live": "polite" });
  private running: ProgressMessage | null = null;

  constructor(private readonly store: Store) {}

  say(text: string): void {
    // The same words again are a change too.
    this.element.textContent = this.element.textContent === text ? `${text}\u00a0` : text;
  }

  update(topics: Set<Topic>): void {
    if (!topics.has("progress")) return;
    const { progress } = this.store.state;
    if (progress && !this.running) this.say("Propagating");
    if (!progress && this.running) this.say(`Propagated ${this.running.done} frames`);
    this.running = progress;
  }
}
