/** Says aloud, for screen readers, what has happened. */

import type { Store, Topic } from "../state/store";
import { h } from "./dom";

export class Announcer {
  readonly element = h("div", { class: "s2w-unseen", "aria-live": "polite" });
  private running = false;

  constructor(private readonly store: Store) {}

  say(text: string): void {
    // The same words again are a change too.
    this.element.textContent = this.element.textContent === text ? `${text}\u00a0` : text;
  }

  update(topics: Set<Topic>): void {
    if (!topics.has("progress")) return;
    const { progress, tracked } = this.store.state;
    const running = progress !== null;
    if (running && !this.running) this.say("Propagating");
    if (!running && this.running) this.say(`Propagated ${tracked} frames`);
    this.running = running;
  }
}
