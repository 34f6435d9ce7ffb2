/** What is at a place of the time axis: a small picture with masks, the frame, and how certain. */

import type { Client } from "../../kernel/client";
import type { Run } from "../../kernel/protocol";
import { confidenceOf, isAbsent } from "../../state/confidence";
import { runAt } from "../../state/runs";
import { sizeOf } from "../../state/stage-state";
import type { MaskRecord, Store } from "../../state/store";
import { cleared } from "../../ui/canvas";
import { h, setText } from "../../ui/dom";
import { hideFloating, showFloating } from "../../ui/floating";
import { clockAt } from "./clock";

/** In CSS pixels. */
const WIDTH = 132;
const FILL = 0.5;
/** Masks are asked for when the pointer rests. */
const PAUSE_MS = 120;

export class HoverCard {
  readonly element: HTMLElement;
  private readonly picture = h("canvas");
  private readonly place = h("strong");
  private readonly says = h("span");
  private shown: { frame: number; object: number | null } | null = null;
  private waiting = 0;
  /** What its picture is made of. */
  private drawn: unknown[] = [];

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    /** Ask for the small picture of a frame; null for none. */
    private readonly want: (frame: number | null) => void,
  ) {
    this.element = h(
      "div.tip.card",
      { "aria-hidden": "true", hidden: true },
      this.picture,
      this.place,
      this.says,
    );
  }

  /** Show a frame above a place of the window, with the masks of one object or of all. */
  show(frame: number, object: number | null, x: number, y: number): void {
    if (this.shown?.frame !== frame || this.shown.object !== object) {
      this.shown = { frame, object };
      this.fill();
      this.want(frame);
      this.wantMasksSoon(frame);
    }
    const at = new DOMRect(x, y, 0, 0);
    const anchor = { getBoundingClientRect: () => at };
    showFloating(this.element, anchor, "middle", "above");
  }

  hide(): void {
    window.clearTimeout(this.waiting);
    if (!this.shown) return;
    this.shown = null;
    this.want(null);
    hideFloating(this.element);
  }

  /** Pictures, masks or confidences may have come. */
  update(): void {
    if (this.shown) this.fill();
  }

  private wantMasksSoon(frame: number): void {
    window.clearTimeout(this.waiting);
    const { masks, confidences } = this.store;
    if (masks.has(frame) || ![...confidences.values()].some((bytes) => bytes[frame])) return;
    this.waiting = window.setTimeout(
      () => this.client.send({ type: "want_masks", frame }),
      PAUSE_MS,
    );
  }

  private fill(): void {
    const { frame, object } = this.shown ?? { frame: 0, object: null };
    const { video, objects } = this.store.state;
    const time = clockAt(video, frame);
    setText(this.place, ["Frame ", frame, time && ` · ${time}`].join(""));
    const info = objects.find(({ id }) => id === object);
    setText(this.says, info ? `${info.name} · ${this.describe(frame, info.id)}` : "");
    this.says.hidden = !info;
    this.draw(frame, object);
  }

  private describe(frame: number, object: number): string {
    const timeline = this.store.timelines.get(object);
    const within = (runs: Run[] = []) => runAt(runs, frame) !== undefined;
    const byte = this.store.confidences.get(object)?.[frame] ?? 0;
    const confidence = confidenceOf(byte);
    const score = confidence === null ? [] : [confidence.toFixed(2)];
    const state = timeline?.prompted.includes(frame)
      ? "prompted"
      : within(timeline?.accepted)
        ? "accepted"
        : within(timeline?.rejected)
          ? "rejected"
          : within(timeline?.stale)
            ? "out of date"
            : isAbsent(byte)
              ? "not in the picture"
              : confidence === null
                ? "not tracked"
                : "tracked";
    return [...score, state].join(" · ");
  }

  private draw(frame: number, object: number | null): void {
    const pixels = this.store.thumbnails.get(frame) ?? this.store.frames.get(frame);
    const drawn = [frame, object, pixels, this.store.masks.get(frame), this.store.state.objects];
    // While the pointer scrubs, others come all the time.
    if (drawn.every((part, i) => part === this.drawn[i])) return;
    this.drawn = drawn;
    const [width, height] = sizeOf(this.store.state.video, frame);
    if (width === 0 || height === 0) return;
    const scale = WIDTH / width;
    const tall = Math.round(height * scale);
    this.picture.style.height = `${tall}px`;
    const context = cleared(this.picture, WIDTH, tall);
    if (!context) return;
    if (pixels) context.drawImage(pixels, 0, 0, WIDTH, tall);
    for (const { id, color } of this.store.shownObjects) {
      const mask = this.store.masks.get(frame)?.get(id);
      if (mask && (object === null || object === id)) paintMask(context, mask, width, scale, color);
    }
  }
}

/** Runs of a mask as rectangles: small pictures need no outline. */
export function paintMask(
  context: CanvasRenderingContext2D,
  { runs }: MaskRecord,
  width: number,
  scale: number,
  color: string,
): void {
  context.fillStyle = color;
  context.globalAlpha = FILL;
  context.beginPath();
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    const end = at + (runs[i] as number);
    // A run may go over several rows.
    for (let from = at; i % 2 === 1 && from < end; ) {
      const row = Math.floor(from / width);
      const to = Math.min(end, (row + 1) * width);
      context.rect((from % width) * scale, row * scale, (to - from) * scale, scale);
      from = to;
    }
    at = end;
  }
  context.fill();
  context.globalAlpha = 1;
}
