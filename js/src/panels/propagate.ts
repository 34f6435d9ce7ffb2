/** Propagate, or while that runs Stop and Follow, in one place; how, in its menu. */

import type { Client } from "../kernel/client";
import type { Direction } from "../kernel/protocol";
import type { AutoPropagate } from "../kernel/traits";
import { isPropagating } from "../state/keys/commands";
import type { Store } from "../state/store";
import { setting } from "../ui/controls";
import { h, iconButton, setPressed } from "../ui/dom";
import { menuItem, Popover } from "../ui/popover";

const AUTO: [AutoPropagate, string][] = [
  ["never", "by hand"],
  ["corrections", "after corrections"],
  ["always", "after each prompt"],
];

export class PropagateControl {
  readonly element: HTMLElement;
  private readonly start: HTMLButtonElement;
  private readonly options: Popover;
  private readonly stop: HTMLButtonElement;
  private readonly follow: HTMLButtonElement;
  private readonly scope: HTMLSelectElement;
  private readonly auto: HTMLSelectElement;
  private readonly idle: HTMLElement;
  private readonly directions: HTMLButtonElement[];

  constructor(
    private readonly store: Store,
    client: Client,
  ) {
    const track = (direction: Direction) => () =>
      client.propagate(direction, this.scope.value === "all" ? null : [store.state.selected]);
    this.start = iconButton("propagate", "Propagate", track("both"), {
      ...{ text: "Propagate", hint: "track through the whole video", key: "T" },
    });
    this.scope = h(
      "select",
      { label: "Objects to propagate" },
      h("option", { value: "all" }, "all"),
      h("option", { value: "selected" }, "the selected one"),
    );
    this.auto = h(
      "select",
      {
        label: "Propagate by itself",
        change: () => store.set("auto_propagate", this.auto.value as AutoPropagate),
      },
      ...AUTO.map(([value, text]) => h("option", { value }, text)),
    );
    this.directions = [
      menuItem("Propagate forward", track("forward"), { icon: "forward" }),
      menuItem("Propagate backward", track("backward"), { icon: "backward" }),
    ];
    this.options = new Popover(
      { icon: "open", label: "How to propagate", hint: "directions, objects, when" },
      [
        ...this.directions,
        h("hr"),
        setting("Objects", this.scope),
        setting("Track again", this.auto),
      ],
    );
    this.stop = iconButton("stop", "Stop", () => client.ask({ type: "stop" }), {
      ...{ text: "Stop", hint: "what is tracked stays", key: "Escape" },
    });
    this.stop.classList.add("s2w-stop");
    this.follow = iconButton("follow", "Follow", () => client.follow(!store.state.follow), {
      ...{ hint: "show each frame as it is tracked", key: "F" },
    });
    this.idle = h("div.primary", this.start, this.options.element);
    this.element = h(
      "div.slot",
      { group: "Track through the video" },
      this.idle,
      this.stop,
      this.follow,
    );
  }

  close(): void {
    this.options.close();
  }

  update(): void {
    const { follow, video, objects, auto_propagate } = this.store.state;
    const running = isPropagating(this.store.state);
    this.element.hidden = video.num_frames <= 1 || video.kind === "images";
    const hadFocus = this.element.contains(document.activeElement);
    if (running) this.options.close();
    this.idle.hidden = this.start.hidden = running;
    this.stop.hidden = this.follow.hidden = !running;
    for (const button of [this.start, ...this.directions]) button.disabled = objects.length === 0;
    this.idle.toggleAttribute("data-off", objects.length === 0);
    this.auto.value = auto_propagate;
    setPressed(this.follow, follow);
    // The focus stays here when Propagate and Stop take each other's place.
    if (hadFocus && !this.hasFocus) (running ? this.stop : this.start).focus();
  }

  private get hasFocus(): boolean {
    const { activeElement } = document;
    if (!this.element.contains(activeElement)) return false;
    return !(activeElement as HTMLElement).closest("[hidden]");
  }
}
