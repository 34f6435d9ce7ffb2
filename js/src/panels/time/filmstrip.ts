/** Small pictures along the time axis. */

import type { Client } from "../../kernel/client";
import type { Store, Topic } from "../../state/store";
import { cleared } from "../../ui/canvas";
import { onDrag } from "../../ui/controls";
import { h } from "../../ui/dom";
import type { TimeAxis } from "./axis";
import { shareAt } from "./canvas";

/** In CSS pixels. */
const HEIGHT = 32;
/** Times as wide as a picture, or as high, from which on its place is not filled by a part of it. */
const MAX_CUT = 1.8;
/** Requests wait for the view to settle at a size. */
const PAUSE_MS = 200;

export class Filmstrip {
  readonly element: HTMLCanvasElement;
  private readonly observer: ResizeObserver;
  private asked = "";
  private waiting = 0;
  /** One that is looked at elsewhere. */
  private extra: number | null = null;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly axis: TimeAxis,
    goToShare: (share: number) => void,
  ) {
    // The slider above it does the same with keys.
    this.element = h("canvas.filmstrip", { "aria-hidden": "true" });
    onDrag(this.element, (event) => goToShare(shareAt(this.element, event)));
    this.observer = new ResizeObserver(() => this.refresh());
    this.observer.observe(this.element);
  }

  close(): void {
    this.observer.disconnect();
    window.clearTimeout(this.waiting);
  }

  update(topics: Set<Topic>): void {
    if (topics.has("contrast")) this.asked = "";
    const due = ["contrast", "thumbnails", "video", "axis"] as const;
    if (due.some((topic) => topics.has(topic))) this.refresh();
  }

  /** Ask for the small picture of another frame too. */
  alsoWant(frame: number | null): void {
    this.extra = frame;
    if (frame !== null && !this.store.thumbnails.has(frame)) this.refresh();
  }

  private refresh(): void {
    const frames = this.frames();
    this.draw(frames);
    const wanted = this.extra === null ? frames : [this.extra, ...frames];
    const missing = wanted.filter((frame) => !this.store.thumbnails.has(frame));
    const key = missing.join();
    if (missing.length === 0 || key === this.asked) return;
    // A live video never settles.
    if (this.waiting && this.store.state.video.live) return;
    window.clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      this.waiting = 0;
      this.asked = key;
      this.client.send({ type: "thumbnails", frames: missing });
    }, PAUSE_MS);
  }

  /** The frames in the middles of as many pictures as fit. */
  private frames(): number[] {
    const { video } = this.store.state;
    const width = this.element.clientWidth;
    if (width === 0 || video.num_frames <= 1 || video.height === 0) return [];
    const wide = (HEIGHT * video.width) / video.height;
    const { start, length } = this.axis;
    const count = Math.min(Math.ceil(length), Math.max(1, Math.round(width / wide)));
    // Of a video that grows, the same frames stand for ever more: few have to be asked for anew.
    const step = video.live ? 2 ** Math.max(0, Math.floor(Math.log2(length / count))) : 1;
    return Array.from({ length: count }, (_, i) => {
      const frame = Math.min(
        Math.floor(start + ((i + 0.5) / count) * length),
        video.num_frames - 1,
      );
      return frame - (frame % step);
    });
  }

  private draw(frames: number[]): void {
    const { clientWidth: width } = this.element;
    const context = width > 0 ? cleared(this.element, width, HEIGHT) : null;
    if (!context || frames.length === 0) return;
    const wide = width / frames.length;
    frames.forEach((frame, i) => {
      const picture = this.store.thumbnails.get(frame);
      if (!picture) return;
      const [across, down] = [wide / picture.width, HEIGHT / picture.height];
      const [less, more] = [Math.min(across, down), Math.max(across, down)];
      // Filled, cut where it is too tall or too wide; whole where hardly half of it would be left.
      const scale = more > MAX_CUT * less ? less : more;
      const [w, h] = [
        Math.min(wide, picture.width * scale),
        Math.min(HEIGHT, picture.height * scale),
      ];
      const [x, y] = [picture.width - w / scale, picture.height - h / scale];
      const [left, top] = [(i + 0.5) * wide - w / 2, (HEIGHT - h) / 2];
      context.drawImage(picture, x / 2, y / 2, w / scale, h / scale, left, top, w, h);
    });
  }
}
