/** Tools, undo and propagation. */

import type { Client } from "../kernel/client";
import type { Direction } from "../kernel/protocol";
import type { AutoPropagate } from "../kernel/traits";
import type { Store } from "../state/store";
import { h, type IconName, iconButton } from "../ui/dom";

const DIRECTIONS: [Direction, IconName, string, string, string][] = [
  ["backward", "backward", "Propagate backward", "", "only towards the first frame"],
  ["both", "propagate", "Propagate", "Propagate", "through the whole video; T"],
  ["forward", "forward", "Propagate forward", "", "only towards the last frame"],
];

const AUTO: [AutoPropagate, string][] = [
  ["never", "by hand"],
  ["corrections", "after corrections"],
  ["always", "after each prompt"],
];

export class Toolbar {
  readonly element: HTMLElement;
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly scope: HTMLSelectElement;
  private readonly auto: HTMLSelectElement;
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
    this.undo = iconButton("undo", "Undo", () => client.ask({ type: "undo" }), { hint: "Ctrl+Z" });
    this.redo = iconButton("redo", "Redo", () => client.ask({ type: "redo" }), {
      hint: "Ctrl+Shift+Z",
    });
    this.scope = h(
      "select",
      { "aria-label": "Objects to propagate", title: "Which objects to propagate" },
      h("option", { value: "all" }, "all objects"),
      h("option", { value: "selected" }, "selected object"),
    );
    this.auto = h(
      "select",
      {
        "aria-label": "Propagate by itself",
        title:
          "When to propagate: when you say so, to mend what a correction made out of date, or after each prompt",
        change: () => store.set("auto_propagate", this.auto.value as AutoPropagate),
      },
      ...AUTO.map(([value, text]) => h("option", { value }, text)),
    );
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
      iconButton(
        icon,
        label,
        () =>
          client.propagate(direction, this.scope.value === "all" ? null : [store.state.selected]),
        { text, hint },
      ),
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
    this.propagation = h(
      "div",
      { class: "s2w-group" },
      this.follow,
      this.auto,
      this.scope,
      this.directions,
      this.stop,
    );
    this.element = h(
      "div",
      { class: "s2w-toolbar", role: "toolbar", "aria-label": "Tools" },
      tools,
      h(
        "div",
        { class: "s2w-joined", role: "group", "aria-label": "Edit" },
        this.undo,
        this.redo,
        this.clear,
      ),
      display,
      this.propagation,
    );
  }

  update(): void {
    const { status, follow, video, objects, selected, frame, progress } = this.store.state;
    const { history, auto_propagate } = this.store.state;
    offer(this.undo, "Undo", history.undo, "Ctrl+Z");
    offer(this.redo, "Redo", history.redo, "Ctrl+Shift+Z");
    this.auto.value = auto_propagate;
    this.scope.hidden = objects.length < 2;
    this.clear.disabled = this.store.promptsOf(selected, frame) === undefined;
    // A click in between makes the state "working", and the propagation goes on.
    const running = status.state === "propagating" || progress !== null;
    this.propagation.hidden = video.num_frames <= 1 || video.kind === "images";
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

/** A button of the history: it says what it would do, and cannot do nothing. */
function offer(button: HTMLButtonElement, word: string, what: string, key: string): void {
  button.disabled = what === "";
  button.title = what ? `${word}: ${what} (${key})` : `Nothing to ${word.toLowerCase()}`;
}
