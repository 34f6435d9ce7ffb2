/** The view's own keys: history, objects, time and propagation. Parts add theirs. */

import type { Client } from "../kernel/client";
import { classCommands } from "./classes";
import type { Command } from "./keys";
import type { Player } from "./player";
import type { State, Store } from "./store";

export interface Actions {
  goTo(frame: number): void;
  select(object: number): void;
  toggleFullScreen(): void;
  openHelp(): void;
}

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

export function viewCommands(
  store: Store,
  client: Client,
  player: Player,
  actions: Actions,
): Command[] {
  const { state } = store;
  const last = () => state.video.num_frames - 1;
  const inTime = { group: "Time", enabled: () => last() > 0 };
  const playable = {
    group: "Time",
    enabled: () => last() > 0 && state.video.kind === "video",
  };
  const running = () => isPropagating(state);
  const step = (keys: string[], label: string, by: number): Command => ({
    ...{ keys, label, ...inTime },
    run: () => actions.goTo(store.destination + by),
  });
  const onObject = { group: "Objects", enabled: () => store.selectedObject !== undefined };
  const change = (what: "visible" | "locked") => () => {
    const object = store.selectedObject;
    if (object) client.ask({ type: "update_object", object: object.id, [what]: !object[what] });
  };
  return [
    {
      keys: ["Ctrl+Z"],
      label: "Undo",
      group: "Prompts",
      run: () => client.ask({ type: "undo" }),
    },
    {
      keys: ["Ctrl+Shift+Z", "Ctrl+Y"],
      label: "Redo",
      group: "Prompts",
      run: () => client.ask({ type: "redo" }),
    },
    {
      keys: DIGITS,
      label: "Select the first to the ninth object",
      group: "Objects",
      run: ({ key }) => {
        const object = state.objects[Number(key) - 1];
        if (object) actions.select(object.id);
      },
    },
    {
      keys: ["C"],
      label: "Add an object",
      group: "Objects",
      run: () => client.ask({ type: "add_object" }),
    },
    { keys: ["V"], label: "Show or hide the object", ...onObject, run: change("visible") },
    {
      keys: ["S"],
      label: "Show the object alone, or all again",
      ...onObject,
      run: () => store.set("solo", state.solo === null ? state.selected : null),
    },
    { keys: ["K"], label: "Lock or unlock the object", ...onObject, run: change("locked") },
    ...classCommands(store, client),
    { keys: ["Space"], label: "Play or pause", ...playable, run: () => player.toggle() },
    { keys: ["<"], label: "Slower", ...playable, run: () => player.changeSpeed(-1) },
    { keys: [">"], label: "Faster", ...playable, run: () => player.changeSpeed(1) },
    {
      keys: ["L"],
      label: "Play in a loop",
      ...playable,
      run: () => store.set("loop", !state.loop),
    },
    step(["ArrowLeft", ","], "One frame back", -1),
    step(["ArrowRight", "."], "One frame on", 1),
    step(["Shift+ArrowLeft"], "Ten frames back", -10),
    step(["Shift+ArrowRight"], "Ten frames on", 10),
    { keys: ["Home"], label: "First frame", ...inTime, run: () => actions.goTo(0) },
    { keys: ["End"], label: "Last frame", ...inTime, run: () => actions.goTo(last()) },
    {
      keys: ["I"],
      label: "The range begins here",
      ...playable,
      run: () => markIn(store),
    },
    {
      keys: ["O"],
      label: "The range ends here",
      ...playable,
      run: () => markOut(store),
    },
    {
      keys: ["X"],
      label: "No range",
      group: "Time",
      enabled: () => state.range !== null,
      run: () => store.set("range", null),
    },
    {
      keys: ["T"],
      label: "Propagate, in the range if there is one",
      group: "Propagation",
      enabled: () => playable.enabled() && state.objects.length > 0 && !running(),
      run: () => client.propagate("both"),
    },
    {
      keys: ["Shift+T"],
      label: "Propagate the selected object",
      group: "Propagation",
      enabled: () => playable.enabled() && onObject.enabled() && !running(),
      run: () => client.propagate("both", [state.selected]),
    },
    {
      keys: ["F"],
      label: "Follow the propagation",
      group: "Propagation",
      run: () => client.follow(!state.follow),
    },
    {
      keys: ["Shift+F"],
      label: "Full screen",
      group: "View",
      run: () => actions.toggleFullScreen(),
    },
    { keys: ["?"], label: "These keys", group: "View", run: () => actions.openHelp() },
  ];
}

/** A click in between makes the state "working", and the propagation goes on. */
export function isPropagating({ status, progress }: State): boolean {
  return status.state === "propagating" || progress !== null;
}

/** Let the range begin where the view is or moves to; it keeps its end where that is possible. */
export function markIn(store: Store): void {
  const { range, video } = store.state;
  const frame = store.destination;
  const end = range?.[1] ?? video.num_frames;
  store.set("range", [frame, end > frame ? end : video.num_frames]);
}

/** Let the range end with the frame that the view is at or moves to. */
export function markOut(store: Store): void {
  const frame = store.destination;
  const start = store.state.range?.[0] ?? 0;
  store.set("range", [start <= frame ? start : 0, frame + 1]);
}
