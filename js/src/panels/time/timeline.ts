/** Time: transport, ruler with the slider, and filmstrip, on the axis that the lanes have too. */

import type { Client } from "../../kernel/client";
import type { Command } from "../../state/keys";
import type { Player } from "../../state/player";
import type { Store, Topic } from "../../state/store";
import { h, iconButton, setText } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";
import { TimeAxis } from "./axis";
import { shareAt } from "./canvas";
import { Filmstrip } from "./filmstrip";
import { HoverCard } from "./hover-card";
import { Ruler } from "./ruler";
import { Transport } from "./transport";
import { leastCertain, type Place } from "./uncertain";

const ZOOM_STEP = 1.6;
const PAN_STEP = 0.25;
/** Of a notch of the wheel, in pixels. */
const NOTCH = 100;
/** Looking for what is least certain goes through all frames: not more often than this. */
const SEARCH_PAUSE_MS = 250;

export class Timeline {
  readonly axis: TimeAxis;
  readonly transport: Transport;
  /** Names of the row with the ruler, and that row's ruler; likewise the filmstrip. */
  readonly rulerHead: HTMLElement;
  readonly track: HTMLElement;
  readonly strip: HTMLElement;
  readonly card: HoverCard;
  /** The least certain places, the worst first. */
  uncertain: Place[] = [];
  private readonly slider: HTMLInputElement;
  private readonly filmstrip: Filmstrip;
  private readonly ruler: Ruler;
  private readonly unit: HTMLButtonElement;
  private readonly whole: HTMLButtonElement;
  private readonly observer: ResizeObserver;
  private searching = 0;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly player: Player,
  ) {
    this.axis = new TimeAxis(store);
    this.transport = new Transport(
      store,
      player,
      (frame) => this.userGoesTo(frame),
      (on) => this.follow(on),
    );
    this.ruler = new Ruler(store, this.axis);
    this.filmstrip = new Filmstrip(store, client, this.axis, (share) => this.goToShare(share));
    this.card = new HoverCard(store, client, (frame) => this.filmstrip.alsoWant(frame));
    this.slider = h("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": "Frame",
      input: () => this.userGoesTo(Number(this.slider.value)),
    });
    this.track = h(
      "div",
      { class: "s2w-track" },
      this.ruler.canvas,
      h("span", { class: "s2w-marked" }),
      this.slider,
    );
    this.strip = h("div", { class: "s2w-strip" }, this.filmstrip.element);
    this.unit = h("button", {
      type: "button",
      class: "s2w-button s2w-unit",
      "aria-label": "Unit of the ruler",
      click: () => this.switchUnit(),
    });
    this.whole = iconButton("fitTime", "Show all of the time", () => this.axis.fit(), {
      key: "Alt+0",
    });
    this.rulerHead = h(
      "div",
      { class: "s2w-ruler-head", role: "group", "aria-label": "Time axis" },
      this.unit,
      iconButton("zoomOut", "Zoom out in time", () => this.axis.zoomBy(1 / ZOOM_STEP), {
        ...{ hint: "or the wheel with Ctrl", key: "Alt+-" },
      }),
      iconButton("zoomIn", "Zoom in time", () => this.axis.zoomBy(ZOOM_STEP), {
        ...{ hint: "or the wheel with Ctrl", key: "Alt++" },
      }),
      this.whole,
    );
    for (const element of [this.track, this.strip]) this.watch(element, null);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.track);
  }

  close(): void {
    this.observer.disconnect();
    this.filmstrip.close();
    this.card.hide();
    window.clearTimeout(this.searching);
  }

  commands(): Command[] {
    const { state } = this.store;
    const inTime = { group: "Time", enabled: () => state.video.num_frames > 1 };
    const zoomed = { group: "Time", enabled: () => this.axis.zoomed };
    return [
      { keys: ["ArrowUp"], label: "Previous prompted frame", ...inTime, run: () => this.jump(-1) },
      { keys: ["ArrowDown"], label: "Next prompted frame", ...inTime, run: () => this.jump(1) },
      {
        keys: ["Alt++", "Alt+="],
        label: "Zoom in time",
        ...inTime,
        run: () => this.axis.zoomBy(ZOOM_STEP),
      },
      {
        keys: ["Alt+-"],
        label: "Zoom out in time",
        ...inTime,
        run: () => this.axis.zoomBy(1 / ZOOM_STEP),
      },
      { keys: ["Alt+0"], label: "Show all of the time", ...inTime, run: () => this.axis.fit() },
      {
        keys: ["PageUp"],
        label: "Earlier part of the time",
        ...zoomed,
        run: () => this.axis.panBy(-PAN_STEP),
      },
      {
        keys: ["PageDown"],
        label: "Later part of the time",
        ...zoomed,
        run: () => this.axis.panBy(PAN_STEP),
      },
    ];
  }

  /** Show the card of what is under the pointer, and zoom and pan with the wheel. */
  watch(element: HTMLElement, object: number | null): void {
    element.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      const { top } = element.getBoundingClientRect();
      const frame = this.axis.frameAt(shareAt(element, event));
      this.card.show(frame, object, event.clientX, top);
    });
    element.addEventListener("pointerleave", () => this.card.hide());
    element.addEventListener("wheel", (event) => this.turnWheel(element, event), {
      passive: false,
    });
  }

  update(topics: Set<Topic>): void {
    const { video, range } = this.store.state;
    const frame = this.store.destination;
    this.axis.update();
    if (topics.has("frame") || topics.has("goal")) this.axis.reveal(frame);
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
    this.card.update();
    this.whole.disabled = !this.axis.zoomed;
    setText(this.unit, this.ruler.unit === "time" ? "Time" : "Frames");
    this.unit.disabled = video.fps <= 0 || video.kind === "images";
    setTip(this.unit, "Count frames or time on the ruler");
    const { style } = this.track;
    const [start, stop] = range ?? [0, 0];
    style.setProperty("--s2w-frames", String(this.axis.frames));
    style.setProperty("--s2w-length", String(this.axis.length));
    style.setProperty("--s2w-start", String(this.axis.start));
    style.setProperty("--s2w-from", String(this.axis.shareOf(start)));
    style.setProperty("--s2w-to", String(this.axis.shareOf(stop)));
    if (["video", "axis", "contrast"].some((topic) => topics.has(topic as Topic))) this.draw();
    const due = ["timeline", "confidence", "objects", "video"] as const;
    if (due.some((topic) => topics.has(topic))) this.searchSoon();
  }

  /** A person moves in time: following the propagation and playing end. */
  userGoesTo(frame: number): void {
    if (this.store.state.playing) this.player.pause();
    this.store.set("follow", false);
    this.client.moveTo(frame);
  }

  goToShare(share: number): void {
    this.userGoesTo(this.axis.frameAt(share));
  }

  draw(): void {
    this.ruler.draw(this.uncertain);
  }

  /** Show the newest frame from now on, or stay here. */
  private follow(on: boolean): void {
    if (on && this.store.state.playing) this.player.pause();
    this.client.follow(on);
  }

  /** To the next frame that a person prompted, of the selected object, or of all if none is. */
  private jump(by: 1 | -1): void {
    const { selected, frame } = this.store.state;
    const one = this.store.timelines.get(selected);
    const timelines = one ? [one] : [...this.store.timelines.values()];
    let nearest = Number.POSITIVE_INFINITY;
    for (const { prompted } of timelines)
      for (const at of prompted)
        if ((at - frame) * by > 0) nearest = Math.min(nearest, (at - frame) * by);
    if (Number.isFinite(nearest)) this.userGoesTo(frame + nearest * by);
  }

  private switchUnit(): void {
    this.ruler.unit = this.ruler.unit === "time" ? "frames" : "time";
    this.store.touch("axis");
  }

  private turnWheel(element: HTMLElement, event: WheelEvent): void {
    const sideways = event.deltaX || (event.shiftKey ? event.deltaY : 0);
    if (event.ctrlKey || event.metaKey)
      this.axis.zoomBy(ZOOM_STEP ** (-event.deltaY / NOTCH), shareAt(element, event));
    else if (sideways && this.axis.zoomed) this.axis.panBy((PAN_STEP * sideways) / (2 * NOTCH));
    else return; // the list's, or the page's
    event.preventDefault();
    event.stopPropagation();
  }

  private searchSoon(): void {
    if (this.searching) return;
    this.searching = window.setTimeout(() => {
      this.searching = 0;
      this.uncertain = leastCertain(this.store);
      this.store.touch("axis");
    }, SEARCH_PAUSE_MS);
  }
}
