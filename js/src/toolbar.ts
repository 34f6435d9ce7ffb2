/** Tools, undo and propagation. */

import type { Client } from "./client";
import { h, type IconName, iconButton } from "./dom";
import type { Direction } from "./protocol";
import type { Store } from "./store";

const DIRECTIONS: [Direction, IconName, string, string, string][] = [
  ["backward", "backward", "Propagate backward", "", "only towards the first frame"],
  ["both", "propagate", "Propagate", "Propagate", "through the whole video; T"],
  ["forward", "forward", "Propagate forward", "", "only towards the last frame"],
];

export class Toolbar {
  readonly element: HTMLElement;
  private readonly clear: HTMLButtonElement;
  private readonly directions: HTMLElement;
  private readonly directionButtons: HTMLButtonElement[];
  private readonly stop: HTMLButtonElement;
  private readonly follow: HTMLButtonElement;
  private readonly propagation: HTMLElement;

  constructor(
    private readonly store: Store,
    client: Client,
    /** Groups of the stage. */
    tools: HTMLElement,
    display: HTMLElement,
  ) {
    this.clear = iconButton(
      "clear",
      "Clear prompts",
      () => {
        const { frame, selected } = store.state;
        client.ask({ type: "clear_prompts", frame, object: selected });
      },
      { hint: "of the selected object on this frame" },
    );
    this.directionButtons = DIRECTIONS.map(([direction, icon, label, text, hint]) =>
      iconButton(icon, label, () => client.propagate(direction), { text, hint }),
    );
    this.directions = h(
      "div",
      { class: "s2w-joined s2w-primary", role: "group", "aria-label": "Track through the video" },
      ...this.directionButtons,
    );
    this.stop = iconButton("stop", "Stop", () => client.ask({ type: "stop" }), {
      text: "Stop",
      hint: "Escape",
    });
    this.stop.classList.add("s2w-stop");
    this.follow = iconButton("follow", "Follow", () => client.follow(!store.state.follow), {
      text: "Follow",
      hint: "show each frame as it is tracked; F",
    });
    this.propagation = h("div", { class: "s2w-group" }, this.follow, this.directions, this.stop);
    this.element = h(
      "div",
      { class: "s2w-toolbar", role: "toolbar", "aria-label": "Tools" },
      tools,
      h(
        "div",
        { class: "s2w-joined", role: "group", "aria-label": "Edit" },
        iconButton("undo", "Undo", () => client.ask({ type: "undo" }), { hint: "Ctrl+Z" }),
        iconButton("redo", "Redo", () => client.ask({ type: "redo" }), { hint: "Ctrl+Shift+Z" }),
        this.clear,
      ),
      display,
      this.propagation,
    );
  }

  update(): void {
    const { status, follow, video, objects, selected, frame, progress } = this.store.state;
    this.clear.disabled = this.store.promptsOf(selected, frame) === undefined;
    // A click in between makes the state "working", and the propagation goes on.
    const running = status.state === "propagating" || progress !== null;
    this.propagation.hidden = video.num_frames <= 1;
    const hadFocus = this.propagation.contains(document.activeElement);
    this.directions.hidden = running;
    this.stop.hidden = !running;
    for (const button of this.directionButtons) {
      button.hidden = running;
      button.disabled = objects.length === 0;
    }
    this.follow.setAttribute("aria-pressed", String(follow));
    // The focus stays here when Propagate and Stop take each other's place.
    const next = running ? this.stop : this.directionButtons[1];
    if (hadFocus && !this.propagation.contains(document.activeElement)) next?.focus();
  }
}
