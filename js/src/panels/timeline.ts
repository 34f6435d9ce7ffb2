/** The slider, the filmstrip, and one lane an object that shows what is known where. */

import type { Client } from "../kernel/client";
import type { Player } from "../state/player";
import type { Store, Topic } from "../state/store";
import { h } from "../ui/dom";
import { Filmstrip } from "./filmstrip";
import { Lane } from "./lane";
import { Transport } from "./transport";

export class Timeline {
  readonly element: HTMLElement;
  private readonly slider: HTMLInputElement;
  private readonly transport: Transport;
  private readonly filmstrip: Filmstrip;
  private readonly lanesElement: HTMLElement;
  private readonly lanes = new Map<number, Lane>();
  private readonly observer: ResizeObserver;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly player: Player,
    private readonly select: (object: number) => void,
  ) {
    this.transport = new Transport(
      store,
      player,
      (frame) => this.userGoesTo(frame),
      (on) => this.follow(on),
    );
    this.filmstrip = new Filmstrip(store, client, (share) => this.goToShare(share));
    this.slider = h("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": "Frame",
      input: () => this.userGoesTo(Number(this.slider.value)),
    });
    this.lanesElement = h("div", { class: "s2w-lanes" });
    this.element = h(
      "div",
      { class: "s2w-timeline" },
      this.transport.element,
      h("div", { class: "s2w-strip" }, this.filmstrip.element),
      h("div", { class: "s2w-track" }, h("span", { class: "s2w-marked" }), this.slider),
      this.lanesElement,
    );
    this.observer = new ResizeObserver(() => this.drawLanes());
    this.observer.observe(this.lanesElement);
  }

  close(): void {
    this.observer.disconnect();
    this.filmstrip.close();
  }

  update(topics: Set<Topic>): void {
    const { video, range } = this.store.state;
    const frame = this.store.destination;
    this.element.hidden = video.num_frames <= 1;
    this.slider.min = String(video.live?.first ?? 0);
    this.slider.max = String(Math.max(video.num_frames - 1, 0));
    this.slider.value = String(frame);
    const seconds = video.fps > 0 ? `, ${(frame / video.fps).toFixed(2)} s` : "";
    this.slider.setAttribute(
      "aria-valuetext",
      `Frame ${frame} of ${video.num_frames - 1}${seconds}`,
    );
    this.transport.update();
    this.filmstrip.update(topics);
    const [start, stop] = range ?? [0, 0];
    const { style } = this.element;
    style.setProperty("--s2w-frames", String(Math.max(video.num_frames, 1)));
    style.setProperty("--s2w-at", String((frame + 0.5) / Math.max(video.num_frames, 1)));
    style.setProperty("--s2w-from", String(start / Math.max(video.num_frames, 1)));
    style.setProperty("--s2w-to", String(stop / Math.max(video.num_frames, 1)));
    if (
      ["timeline", "certainty", "objects", "video", "selected"].some((topic) =>
        topics.has(topic as Topic),
      )
    )
      this.updateLanes();
  }

  /** A person moves in time: following the propagation and playing end. */
  userGoesTo(frame: number): void {
    if (this.store.state.playing) this.player.pause();
    this.store.set("follow", false);
    this.client.moveTo(frame);
  }

  /** Show the newest frame from now on, or stay here. */
  private follow(on: boolean): void {
    if (on && this.store.state.playing) this.player.pause();
    this.client.follow(on);
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
    for (const [id, lane] of this.lanes)
      lane.draw(this.store.timelines.get(id), this.store.certainties.get(id), num_frames);
  }
}
