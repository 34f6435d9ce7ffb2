/** Tools, undo and propagation, with the progress of the latter. */

import type { Client } from "./client";
import { h, iconButton } from "./dom";
import type { Direction } from "./protocol";
import type { Store, Tool, Topic } from "./store";

const TOOLS: [Tool, string, string][] = [
  ["positive", "Positive point", "left click"],
  ["negative", "Negative point", "right click or shift"],
  ["box", "Box", "drag"],
];

export class Toolbar {
  readonly element: HTMLElement;
  private readonly tools: Map<Tool, HTMLButtonElement>;
  private readonly propagateButtons: HTMLButtonElement[];
  private readonly stopButton: HTMLButtonElement;
  private readonly follow: HTMLInputElement;
  private readonly propagation: HTMLElement;
  private readonly progress: HTMLProgressElement;
  private readonly pace: HTMLElement;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.tools = new Map(
      TOOLS.map(([tool, label, hint]) => [
        tool,
        iconButton(tool, label, () => store.set("tool", tool), { hint }),
      ]),
    );
    this.propagateButtons = [
      iconButton("backward", "Propagate backward", () => this.propagate("backward")),
      iconButton("propagate", "Propagate", () => this.propagate("both"), { text: "Propagate" }),
      iconButton("forward", "Propagate forward", () => this.propagate("forward")),
    ];
    this.stopButton = iconButton("stop", "Stop", () => client.send({ type: "stop" }), {
      text: "Stop",
      hint: "Escape",
    });
    this.follow = h("input", {
      type: "checkbox",
      change: () => store.set("follow", this.follow.checked),
    });
    this.progress = h("progress", { max: 1, "aria-label": "Propagation" });
    this.pace = h("span", { class: "s2w-pace" });
    this.propagation = h(
      "div",
      { class: "s2w-group" },
      ...this.propagateButtons,
      this.stopButton,
      h(
        "label",
        { class: "s2w-follow", title: "Show each frame as it is tracked" },
        this.follow,
        "Follow",
      ),
    );
    this.element = h(
      "div",
      { class: "s2w-toolbar", role: "toolbar", "aria-label": "Segmentation" },
      h("div", { class: "s2w-group" }, ...this.tools.values()),
      h(
        "div",
        { class: "s2w-group" },
        iconButton("undo", "Undo", () => client.send({ type: "undo" }), { hint: "Ctrl+Z" }),
        iconButton("redo", "Redo", () => client.send({ type: "redo" }), { hint: "Ctrl+Shift+Z" }),
      ),
      this.propagation,
      h("div", { class: "s2w-group s2w-progress" }, this.progress, this.pace),
    );
  }

  update(_topics: Set<Topic>): void {
    const { tool, status, progress, follow, video, objects } = this.store.state;
    for (const [name, button] of this.tools)
      button.setAttribute("aria-pressed", String(name === tool));
    const running = status.state === "propagating";
    this.propagation.hidden = video.num_frames <= 1;
    for (const button of this.propagateButtons) {
      button.disabled = running || objects.length === 0;
      button.hidden = running;
    }
    this.stopButton.hidden = !running;
    this.follow.checked = follow;
    const shown = running && progress !== null;
    this.progress.hidden = !shown;
    this.pace.hidden = !shown;
    if (shown) {
      this.progress.value = progress.total ? progress.done / progress.total : 0;
      const left = Number.isFinite(progress.eta_s) ? `, ${duration(progress.eta_s)} left` : "";
      this.pace.textContent = `${progress.done} / ${progress.total} · ${progress.fps.toFixed(1)} frames/s${left}`;
    }
  }

  private propagate(direction: Direction): void {
    this.store.set("follow", true);
    this.client.send({ type: "propagate", start: null, stop: null, direction });
  }
}

function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}
