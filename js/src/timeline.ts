/** The frame slider, and one lane an object that shows what is known where. */

import type { Client } from "./client";
import { h, iconButton } from "./dom";
import { Lane } from "./lane";
import type { Store, Topic } from "./store";

export class Timeline {
  readonly element: HTMLElement;
  private readonly slider: HTMLInputElement;
  private readonly counter: HTMLElement;
  private readonly lanesElement: HTMLElement;
  private readonly lanes = new Map<number, Lane>();
  private readonly observer: ResizeObserver;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly select: (object: number) => void,
  ) {
    this.slider = h("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": "Frame",
      input: () => this.userGoesTo(Number(this.slider.value)),
    });
    this.counter = h("span", { class: "s2w-counter" });
    this.lanesElement = h("div", { class: "s2w-lanes" });
    this.element = h(
      "div",
      { class: "s2w-timeline" },
      h(
        "div",
        { class: "s2w-time" },
        iconButton("previous", "Previous frame", () => this.step(-1), { hint: "Left" }),
        this.counter,
        iconButton("next", "Next frame", () => this.step(1), { hint: "Right" }),
      ),
      h("div", { class: "s2w-track" }, this.slider),
      this.lanesElement,
    );
    this.observer = new ResizeObserver(() => this.drawLanes());
    this.observer.observe(this.lanesElement);
  }

  close(): void {
    this.observer.disconnect();
  }

  update(topics: Set<Topic>): void {
    const { video, frame } = this.store.state;
    this.element.hidden = video.num_frames <= 1;
    this.slider.max = String(Math.max(video.num_frames - 1, 0));
    this.slider.value = String(frame);
    this.counter.textContent = `${frame} / ${video.num_frames - 1}`;
    const seconds = video.fps > 0 ? `, ${(frame / video.fps).toFixed(2)} s` : "";
    this.counter.title = `Frame ${frame}${seconds}`;
    this.slider.setAttribute(
      "aria-valuetext",
      `Frame ${frame} of ${video.num_frames - 1}${seconds}`,
    );
    const { style } = this.element;
    style.setProperty("--s2w-frames", String(Math.max(video.num_frames, 1)));
    style.setProperty("--s2w-at", String((frame + 0.5) / Math.max(video.num_frames, 1)));
    style.setProperty("--s2w-digits", `${2 * String(video.num_frames).length + 3}ch`);
    if (["timeline", "objects", "video", "selected"].some((topic) => topics.has(topic as Topic)))
      this.updateLanes();
  }

  /** A person moves in time: following the propagation ends. */
  userGoesTo(frame: number): void {
    this.store.set("follow", false);
    this.client.goTo(frame);
  }

  private step(by: number): void {
    this.userGoesTo(this.store.state.frame + by);
  }

  private updateLanes(): void {
    const { objects, selected } = this.store.state;
    const ids = new Set(objects.map(({ id }) => id));
    for (const [id, lane] of this.lanes) {
      if (ids.has(id)) continue;
      lane.remove();
      this.lanes.delete(id);
    }
    for (const object of objects) {
      let lane = this.lanes.get(object.id);
      if (!lane) {
        lane = new Lane(
          () => this.select(object.id),
          (share) => this.goToShare(share),
        );
        this.lanes.set(object.id, lane);
        this.lanesElement.append(lane.label, lane.canvas);
      }
      lane.show(object, object.id === selected);
    }
    this.drawLanes();
  }

  private goToShare(share: number): void {
    this.userGoesTo(Math.floor(share * this.store.state.video.num_frames));
  }

  private drawLanes(): void {
    const { num_frames } = this.store.state.video;
    for (const [id, lane] of this.lanes) lane.draw(this.store.timelines.get(id), num_frames);
  }
}
