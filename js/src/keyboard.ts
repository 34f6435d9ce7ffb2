/** Keys, while the focus is in the widget. */

import type { Client } from "./client";
import type { Store } from "./store";

export interface KeyActions {
  goTo(frame: number): void;
  select(object: number): void;
  cancelGesture(): boolean;
}

/** Handle a key; true when it was one of ours. */
export function handleKey(
  event: KeyboardEvent,
  store: Store,
  client: Client,
  actions: KeyActions,
): boolean {
  if (event.ctrlKey || event.metaKey) return handleCommand(event, client);
  if (event.altKey) return false;
  const { frame, video, objects } = store.state;
  const step = event.shiftKey ? 10 : 1;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const object = /^[1-9]$/.test(key) ? objects[Number(key) - 1] : undefined;
  if (key === "ArrowRight") actions.goTo(frame + step);
  else if (key === "ArrowLeft") actions.goTo(frame - step);
  else if (key === "Home") actions.goTo(0);
  else if (key === "End") actions.goTo(video.num_frames - 1);
  else if (key === "Escape") {
    actions.cancelGesture();
    if (isPropagating(store)) client.ask({ type: "stop" });
  } else if (object) actions.select(object.id);
  else if (key === "o") client.ask({ type: "add_object" });
  else if (key === "v") toggleVisible(store, client);
  else if (key === "f") client.follow(!store.state.follow);
  else if (key === "t" && objects.length > 0 && !isPropagating(store)) client.propagate("both");
  else return false;
  return true;
}

function handleCommand(event: KeyboardEvent, client: Client): boolean {
  const key = event.key.toLowerCase();
  if (key === "z") client.ask({ type: event.shiftKey ? "redo" : "undo" });
  else if (key === "y") client.ask({ type: "redo" });
  else return false;
  return true;
}

function isPropagating({ state }: Store): boolean {
  return state.status.state === "propagating" || state.progress !== null;
}

function toggleVisible(store: Store, client: Client): void {
  const object = store.selectedObject;
  if (object) client.ask({ type: "update_object", object: object.id, visible: !object.visible });
}
