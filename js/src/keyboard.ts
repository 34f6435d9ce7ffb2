/** Keys, while the focus is in the widget. */

import type { Client } from "./client";
import type { Store } from "./store";

export interface KeyActions {
  goTo(frame: number): void;
  select(object: number): void;
  cancelGesture(): void;
}

/** Handle a key; true when it was one of ours. */
export function handleKey(
  event: KeyboardEvent,
  store: Store,
  client: Client,
  actions: KeyActions,
): boolean {
  const { frame, video, objects, status } = store.state;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "z") {
    client.send({ type: event.shiftKey ? "redo" : "undo" });
    return true;
  }
  if (command || event.altKey) return false;
  const step = event.shiftKey ? 10 : 1;
  const number = Number(event.key);
  if (event.key === "ArrowRight") actions.goTo(frame + step);
  else if (event.key === "ArrowLeft") actions.goTo(frame - step);
  else if (event.key === "Home") actions.goTo(0);
  else if (event.key === "End") actions.goTo(video.num_frames - 1);
  else if (event.key === "Escape") {
    actions.cancelGesture();
    if (status.state === "propagating") client.send({ type: "stop" });
  } else if (number >= 1 && number <= 9) {
    const object = objects[number - 1];
    if (object) actions.select(object.id);
  } else return false;
  return true;
}
