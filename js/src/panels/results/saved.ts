/** Whether what was done is saved, and how long ago: a word of the status bar. */

import type { Store, Topic } from "../../state/store";
import { h, setText } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";

const TICK_MS = 1000;

export class SavedState {
  readonly element = h("span.saved");
  private readonly timer: number;

  constructor(private readonly store: Store) {
    this.timer = window.setInterval(() => this.show(), TICK_MS);
    this.show();
  }

  close(): void {
    window.clearInterval(this.timer);
  }

  update(topics: Set<Topic>): void {
    if (topics.has("saved") || topics.has("objects")) this.show();
  }

  private show(): void {
    const { saved, objects } = this.store.state;
    const { element } = this;
    // Of a session in which nothing was done, there is nothing to say.
    element.hidden = saved === null || (objects.length === 0 && saved.at === null);
    if (!saved) return;
    element.dataset.saving = saved.state;
    const ago = saved.at === null ? "" : ` ${age(performance.now() - saved.at)}`;
    const place = saved.path && `In ${saved.path}`;
    switch (saved.state) {
      case "off":
        setText(element, "Not saved by itself");
        setTip(element, "w.save(…) saves it, and so does an export of the session");
        break;
      case "unsaved":
        setText(element, "Saving…");
        setTip(element, place);
        break;
      case "failed":
        setText(element, "Not saved");
        setTip(element, "It is tried again. Export the session to another place to be sure");
        break;
      case "saved":
        setText(element, `Saved${ago}`);
        setTip(element, place);
        break;
    }
  }
}

/** How long ago, in a few words. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
