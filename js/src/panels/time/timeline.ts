/** Time: transport, ruler with the slider, and filmstrip, on the axis that the lanes have too. */

import type { Client } from "../../kernel/client";
import { type Command, commandsOf } from "../../state/keys/keys";
import type { Player } from "../../state/player";
import { ofFramesOnly, type Store, type Topic } from "../../state/store";
import { setAttribute } from "../../ui/attributes";
import { take } from "../../ui/controls";
import { h, iconButton, on, setText, setVar } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";
import { TimeAxis } from "./axis";
import { shareAt } from "./canvas";
import { Filmstrip } from "./filmstrip";
import { HoverCard } from "./hover-card";
import { Ruler } from "./ruler";
import { Transport } from "./transport";

const ZOOM_STEP = 1.6;
const PAN_STEP = 0.25;
/** Of a notch of the wheel, in pixels. */
const NOTCH = 100;
/** To look for what is worth a look is to go through all frames: not more often than this. */
const SEARCH_PAUSE_MS = 250;

export class Timeline {
  readonly axis: TimeAxis;
  readonly transport: Transport;
  /** Names of the row with the ruler, and that row's ruler; likewise the filmstrip. */
  readonly rulerHead: HTMLElement;
  readonly track: HTMLElement;
  readonly strip: HTMLElement;
  readonly card: HoverCard;
  /** By object, the frames that are marked as worth a look. */
  places = new Map<number, number[]>();
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
      label: "Frame",
      input: () => this.userGoesTo(Number(this.slider.value)),
    });
    this.track = h("div.track", this.ruler.canvas, h("span.marked"), this.slider);
    this.strip = h("div.strip", this.filmstrip.element);
    this.unit = h("button.button.unit", {
      label: "Unit of the ruler",
      click: () => this.switchUnit(),
    });
    this.whole = iconButton("fitTime", "Show all of the time", () => this.axis.fit(), {
      key: "Alt+0",
    });
    this.rulerHead = h(
      "div.ruler-head",
      { group: "Time axis" },
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
    const time = commandsOf("Time", () => this.store.state.video.num_frames > 1);
    const zoomed = commandsOf("Time", () => this.axis.zoomed);
    const zoom = (by: number) => () => this.axis.zoomBy(by);
    return [
      time("ArrowUp", "Previous prompted frame", () => this.jump(-1)),
      time("ArrowDown", "Next prompted frame", () => this.jump(1)),
      time(["Alt++", "Alt+="], "Zoom in time", zoom(ZOOM_STEP)),
      time("Alt+-", "Zoom out in time", zoom(1 / ZOOM_STEP)),
      time("Alt+0", "Show all of the time", () => this.axis.fit()),
      zoomed("PageUp", "Earlier part of the time", () => this.axis.panBy(-PAN_STEP)),
      zoomed("PageDown", "Later part of the time", () => this.axis.panBy(PAN_STEP)),
    ];
  }

  /** Show the card of what is under the pointer, and zoom and pan with the wheel. */
  watch(element: HTMLElement, object: number | null): void {
    on(element, "pointermove", (event) => {
      if (event.pointerType === "touch") return;
      const { top } = element.getBoundingClientRect();
      const frame = this.axis.frameAt(shareAt(element, event));
      this.card.show(frame, object, event.clientX, top);
    });
    on(element, "pointerleave", () => this.card.hide());
    on(element, "wheel", (event) => this.turnWheel(element, event), {
      passive: false,
    });
  }

  update(topics: Set<Topic>): void {
    const { video } = this.store.state;
    const frame = this.store.destination;
    this.axis.update();
    if (topics.has("frame") || topics.has("goal")) this.axis.reveal(frame);
    setAttribute(this.slider, "min", String(video.live?.first ?? 0));
    setAttribute(this.slider, "max", String(Math.max(video.num_frames - 1, 0)));
    if (this.slider.value !== String(frame)) this.slider.value = String(frame);
    const seconds = video.interval_s > 0 ? `, ${(frame * video.interval_s).toFixed(2)} s` : "";
    const text = `Frame ${frame} of ${video.num_frames - 1}${seconds}`;
    setAttribute(this.slider, "aria-valuetext", text);
    this.transport.update(topics);
    this.filmstrip.update(topics);
    this.card.update();
    if (!ofFramesOnly(topics)) this.showAxis();
    if (["video", "axis", "contrast"].some((topic) => topics.has(topic as Topic))) this.draw();
    const due = ["timeline", "confidence", "objects", "video"] as const;
    if (due.some((topic) => topics.has(topic))) this.searchSoon();
  }

  private showAxis(): void {
    const { video, range } = this.store.state;
    setAttribute(this.whole, "disabled", !this.axis.zoomed);
    setText(this.unit, this.ruler.unit === "time" ? "Time" : "Frames");
    setAttribute(this.unit, "disabled", video.interval_s <= 0 || video.kind === "images");
    setTip(this.unit, "Count frames or time on the ruler");
    const [start, stop] = range ?? [0, 0];
    setVar(this.track, "frames", this.axis.frames);
    setVar(this.track, "length", this.axis.length);
    setVar(this.track, "start", this.axis.start);
    setVar(this.track, "from", this.axis.shareOf(start));
    setVar(this.track, "to", this.axis.shareOf(stop));
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
    this.ruler.draw([...this.places.values()].flat());
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
    take(event);
  }

  private searchSoon(): void {
    if (this.searching) return;
    this.searching = window.setTimeout(() => {
      this.searching = 0;
      this.places = this.store.places;
      this.store.touch("axis");
    }, SEARCH_PAUSE_MS);
  }
}
