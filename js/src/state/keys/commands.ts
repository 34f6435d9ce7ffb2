/** The view's own keys: history, objects, time and propagation. Parts add theirs. */

import type { Client } from "../../kernel/client";
import { classCommands } from "../classes";
import type { Player } from "../player";
import type { State, Store } from "../store";
import { type Command, commandsOf } from "./keys";

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
  const isVideo = () => last() > 0 && state.video.kind === "video";
  const running = () => isPropagating(state);
  const hasObject = () => store.selectedObject !== undefined;
  const prompts = commandsOf("Prompts");
  const objects = commandsOf("Objects");
  const object = commandsOf("Objects", hasObject);
  const time = commandsOf("Time", () => last() > 0);
  const playing = commandsOf("Time", isVideo);
  const view = commandsOf("View");
  const step = (by: number) => () => actions.goTo(store.destination + by);
  const change = (what: "visible" | "locked") => () => {
    const one = store.selectedObject;
    if (one) client.ask({ type: "update_object", object: one.id, [what]: !one[what] });
  };
  const group = "Propagation";
  return [
    prompts("Ctrl+Z", "Undo", () => client.ask({ type: "undo" })),
    prompts(["Ctrl+Shift+Z", "Ctrl+Y"], "Redo", () => client.ask({ type: "redo" })),
    objects(DIGITS, "Select the first to the ninth object", ({ key }) => {
      const one = state.objects[Number(key) - 1];
      if (one) actions.select(one.id);
    }),
    objects("C", "Add an object", () => client.ask({ type: "add_object" })),
    object("V", "Show or hide the object", change("visible")),
    object("S", "Show the object alone, or all again", () =>
      store.set("solo", state.solo === null ? state.selected : null),
    ),
    object("K", "Lock or unlock the object", change("locked")),
    ...classCommands(store, client),
    playing("Space", "Play or pause", () => player.toggle()),
    playing("<", "Slower", () => player.changeSpeed(-1)),
    playing(">", "Faster", () => player.changeSpeed(1)),
    playing("L", "Play in a loop", () => store.set("loop", !state.loop)),
    time(["ArrowLeft", ","], "One frame back", step(-1)),
    time(["ArrowRight", "."], "One frame on", step(1)),
    time("Shift+ArrowLeft", "Ten frames back", step(-10)),
    time("Shift+ArrowRight", "Ten frames on", step(10)),
    time("Home", "First frame", () => actions.goTo(0)),
    time("End", "Last frame", () => actions.goTo(last())),
    playing("I", "The range begins here", () => markIn(store)),
    playing("O", "The range ends here", () => markOut(store)),
    commandsOf("Time", () => state.range !== null)("X", "No range", () => store.set("range", null)),
    commandsOf(group, () => isVideo() && state.objects.length > 0 && !running())(
      "T",
      "Propagate, in the range if there is one",
      () => client.propagate("both"),
    ),
    commandsOf(group, () => isVideo() && hasObject() && !running())(
      "Shift+T",
      "Propagate the selected object",
      () => client.propagate("both", [state.selected]),
    ),
    commandsOf(group)("F", "Follow the propagation", () => client.follow(!state.follow)),
    view("Shift+F", "Full screen", () => actions.toggleFullScreen()),
    view("?", "These keys", () => actions.openHelp()),
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
