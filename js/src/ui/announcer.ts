/** Says aloud, for screen readers, what has happened. */

import type { Store, Topic } from "../state/store";
import { h } from "./dom";

export class Announcer {
  readonly element = h("div.unseen", { "aria-live": "polite" });
  private running = false;
  /** The selected object, and its class. */
  private classed: [number, string] = [0, ""];

  constructor(private readonly store: Store) {}

  say(text: string): void {
    // The same words again are a change too.
    this.element.textContent = this.element.textContent === text ? `${text}\u00a0` : text;
  }

  update(topics: Set<Topic>): void {
    if (topics.has("objects") || topics.has("selected")) this.tellClass();
    if (!topics.has("progress")) return;
    const { progress, tracked } = this.store.state;
    const running = progress !== null;
    if (running && !this.running) this.say("Propagating");
    if (!running && this.running) this.say(`Propagated ${tracked} frames`);
    this.running = running;
  }

  private tellClass(): void {
    const object = this.store.selectedObject;
    const [id, before] = this.classed;
    this.classed = [object?.id ?? 0, object?.class_name ?? ""];
    if (object?.id === id && object.class_name !== before)
      this.say(`${object.name}: ${object.class_name || "no class"}`);
  }
}
