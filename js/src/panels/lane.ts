/** One object's lane of the timeline: what is known where, and how certain it is. */

import type { Run, TimelineMessage } from "../kernel/protocol";
import type { ObjectInfo } from "../kernel/traits";
import { h, setText } from "../ui/dom";
import { isAbsent, opacityOf, poolCertainty } from "./heat";

const HINT =
  "Solid: tracked, the paler the less certain. Hatched: out of date. Barred below: accepted. " +
  "Struck out: rejected. A line: absent. Marks: prompts.";
/** In CSS pixels. */
const HATCH = 5;
const MARK_WIDTH = 3;

export class Lane {
  readonly label: HTMLButtonElement;
  readonly canvas: HTMLCanvasElement;
  private color = "";
  private drawn = "";

  /** `goTo` is given a share of the video's length, from 0 to less than 1. */
  constructor(
    private readonly select: () => void,
    private readonly goTo: (share: number) => void,
  ) {
    // The list of objects has the same for keyboards and screen readers.
    this.label = h("button", {
      type: "button",
      class: "s2w-lane-label",
      tabindex: "-1",
      "aria-hidden": "true",
      click: select,
    });
    this.canvas = h("canvas", {
      class: "s2w-lane",
      role: "img",
      pointerdown: (event: PointerEvent) => this.press(event),
      pointermove: (event: PointerEvent) => {
        if (event.buttons & 1) this.move(event);
      },
    });
  }

  remove(): void {
    this.label.remove();
    this.canvas.remove();
  }

  show(object: ObjectInfo, selected: boolean): void {
    setText(this.label, object.name);
    this.canvas.title = `${object.name}. ${HINT}`;
    for (const element of [this.label, this.canvas])
      element.classList.toggle("s2w-selected", selected);
    for (const element of [this.label, this.canvas]) element.dataset.object = String(object.id);
    this.color = object.color;
  }

  draw(
    timeline: TimelineMessage | undefined,
    certainty: Uint8Array | undefined,
    frames: number,
  ): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = window.devicePixelRatio || 1;
    if (width === 0) return;
    const heat = certainty ? poolCertainty(certainty, Math.round(width * ratio)) : new Uint8Array();
    const size = [this.color, frames, width, height, ratio];
    const state = JSON.stringify([timeline ?? null, [...heat], size]);
    if (state === this.drawn) return;
    this.drawn = state;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.setAttribute("aria-label", `${this.canvas.title} ${inWords(timeline)}`);
    const context = this.canvas.getContext("2d");
    if (!context || !timeline) return;
    context.scale(ratio, ratio);
    const step = width / Math.max(frames, 1);
    context.fillStyle = this.color;
    const fill = ([from, to]: Run, y: number, tall: number) =>
      context.fillRect(from * step, y, Math.max((to - from) * step, 1), tall);
    context.globalAlpha = 0.6;
    if (certainty) this.heat(context, heat, height, ratio);
    else for (const run of timeline.tracked) fill(run, 0, height);
    for (const [from, to] of timeline.stale) {
      context.clearRect(from * step, 0, (to - from) * step, height);
      context.globalAlpha = 0.18;
      fill([from, to], 0, height);
      context.globalAlpha = 0.7;
      this.hatch(context, from * step, (to - from) * step, height);
    }
    context.globalAlpha = 1;
    for (const run of timeline.accepted) {
      fill(run, 0, height);
      context.fillStyle = "rgba(255, 255, 255, 0.85)";
      fill(run, height - 3, 1.5);
      context.fillStyle = this.color;
    }
    for (const [from, to] of timeline.rejected) {
      const wide = Math.max((to - from) * step, 1);
      context.clearRect(from * step, 0, wide, height);
      context.globalAlpha = 0.25;
      fill([from, to], 0, height);
      context.globalAlpha = 1;
      fill([from, to], height / 2 - 1, 2);
    }
    for (const frame of timeline.prompted)
      this.mark(context, (frame + 0.5) * step, Math.max(step, MARK_WIDTH + 2), height);
  }

  /** In whole pixels of the screen, lest seams show between them. */
  private heat(
    context: CanvasRenderingContext2D,
    heat: Uint8Array,
    height: number,
    ratio: number,
  ): void {
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    const tall = Math.round(height * ratio);
    heat.forEach((byte, x) => {
      if (byte === 0) return;
      const absent = isAbsent(byte);
      context.globalAlpha = absent ? 0.5 : opacityOf(byte);
      context.fillRect(x, absent ? tall >> 1 : 0, 1, absent ? Math.ceil(ratio) : tall);
    });
    context.restore();
  }

  private hatch(context: CanvasRenderingContext2D, x: number, width: number, height: number): void {
    context.save();
    context.beginPath();
    context.rect(x, 0, width, height);
    context.clip();
    context.strokeStyle = this.color;
    context.lineWidth = 1.5;
    context.beginPath();
    for (let at = Math.floor((x - height) / HATCH) * HATCH; at < x + width; at += HATCH) {
      context.moveTo(at, height);
      context.lineTo(at + height, 0);
    }
    context.stroke();
    context.restore();
  }

  /** A prompted frame: full colour with a light bar. */
  private mark(context: CanvasRenderingContext2D, x: number, wide: number, height: number): void {
    context.fillStyle = this.color;
    context.fillRect(x - wide / 2, 0, wide, height);
    context.fillStyle = "#ffffff";
    context.beginPath();
    context.roundRect(x - MARK_WIDTH / 2, 2, MARK_WIDTH, height - 4, MARK_WIDTH / 2);
    context.fill();
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture?.(event.pointerId);
    this.select();
    this.move(event);
  }

  private move(event: PointerEvent): void {
    const { left, width } = this.canvas.getBoundingClientRect();
    const share = (event.clientX - left) / Math.max(width, 1);
    this.goTo(Math.max(0, Math.min(1 - Number.EPSILON, share)));
  }
}

function inWords(timeline: TimelineMessage | undefined): string {
  if (!timeline) return "Nothing yet.";
  const count = (runs: Run[]) => runs.reduce((sum, [from, to]) => sum + to - from, 0);
  return (
    `${timeline.prompted.length} frames prompted, ${count(timeline.tracked)} tracked, ` +
    `${count(timeline.stale)} out of date, ${count(timeline.accepted)} accepted, ` +
    `${count(timeline.rejected)} rejected.`
  );
}
