/** The frame slider, and one lane an object that shows what is known where. */

import type { Client } from "./client";
import { h } from "./dom";
import type { Store, Topic } from "./store";

const LANE_HEIGHT = 8;

export class Timeline {
  readonly element: HTMLElement;
  private readonly slider: HTMLInputElement;
  private readonly counter: HTMLElement;
  private readonly lanes: HTMLElement;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.slider = h("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": "Frame",
      input: () => this.userGoesTo(Number(this.slider.value)),
    });
    this.counter = h("span", { class: "s2w-counter" });
    this.lanes = h("div", { class: "s2w-lanes", "aria-hidden": "true" });
    this.element = h(
      "div",
      { class: "s2w-timeline" },
      h("div", { class: "s2w-slider" }, this.slider, this.counter),
      this.lanes,
    );
  }

  update(topics: Set<Topic>): void {
    const { video, frame } = this.store.state;
    this.element.hidden = video.num_frames <= 1;
    this.slider.max = String(Math.max(video.num_frames - 1, 0));
    this.slider.value = String(frame);
    const seconds = video.fps > 0 ? ` · ${(frame / video.fps).toFixed(2)} s` : "";
    this.counter.textContent = `${frame + 1} / ${video.num_frames}${seconds}`;
    this.slider.setAttribute("aria-valuetext", `Frame ${frame} of ${video.num_frames}`);
    if (topics.has("timeline") || topics.has("objects") || topics.has("video")) this.drawLanes();
    this.lanes.style.setProperty("--s2w-at", String((frame + 0.5) / Math.max(video.num_frames, 1)));
  }

  /** A person moves in time: following the propagation ends. */
  userGoesTo(frame: number): void {
    this.store.set("follow", false);
    this.client.goTo(frame);
  }

  private drawLanes(): void {
    const { objects, video, selected } = this.store.state;
    this.lanes.replaceChildren(
      ...objects.map((object) => {
        const lane = h("canvas", {
          class: object.id === selected ? "s2w-lane s2w-selected" : "s2w-lane",
          width: Math.min(video.num_frames * 4, 2000),
          height: LANE_HEIGHT,
          title: `${object.name}: bright where tracked, striped where out of date, marks where prompted`,
          click: (event: MouseEvent) => {
            const bounds = lane.getBoundingClientRect();
            const share = (event.clientX - bounds.left) / Math.max(bounds.width, 1);
            this.userGoesTo(Math.floor(share * video.num_frames));
          },
        });
        this.drawLane(lane, object.id, object.color);
        return lane;
      }),
    );
  }

  private drawLane(lane: HTMLCanvasElement, object: number, color: string): void {
    const context = lane.getContext("2d");
    const timeline = this.store.timelines.get(object);
    if (!context || !timeline) return;
    const step = lane.width / Math.max(this.store.state.video.num_frames, 1);
    const bar = ([from, to]: [number, number], alpha: number) => {
      context.globalAlpha = alpha;
      context.fillStyle = color;
      context.fillRect(from * step, 1, Math.max((to - from) * step, 1), LANE_HEIGHT - 2);
    };
    for (const run of timeline.tracked) bar(run, 0.75);
    for (const run of timeline.stale) {
      context.globalAlpha = 1;
      context.clearRect(run[0] * step, 0, (run[1] - run[0]) * step, LANE_HEIGHT);
      bar(run, 0.25);
    }
    for (const run of timeline.accepted) bar(run, 1);
    context.globalAlpha = 1;
    for (const frame of timeline.prompted) {
      context.fillStyle = color;
      context.fillRect(frame * step, 0, Math.max(step, 3), LANE_HEIGHT);
      context.fillStyle = "#ffffff";
      context.fillRect(frame * step + Math.max(step, 3) / 2 - 1, 2, 2, LANE_HEIGHT - 4);
    }
  }
}
