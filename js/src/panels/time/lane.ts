/** One object's lane: what is known where, and how certain it is. */

import type { Run, TimelineMessage } from "../../kernel/protocol";
import type { ObjectInfo } from "../../kernel/traits";
import { isAbsent } from "../../state/confidence";
import { lengthOf } from "../../state/runs";
import { addCross, addTick } from "../../ui/canvas";
import { onDrag } from "../../ui/controls";
import { h, setLabel } from "../../ui/dom";
import type { Span } from "./axis";
import { contextOf, drawWarning, type Ink, shareAt } from "./canvas";
import { opacityOf, poolConfidence } from "./heat";

/** In CSS pixels. */
const HATCH = 5;
const DIAMOND = 4.5;
/** Of the bar below what was accepted, and of what is above it. */
const BAR = 2;
const TOP = 2;
const SIGN_ROOM = 16;

export interface LaneContent {
  timeline: TimelineMessage | undefined;
  confidence: Uint8Array | undefined;
  /** Frames worth a look. */
  places: number[];
}

export class Lane {
  readonly canvas: HTMLCanvasElement;
  private color = "";
  private name = "";
  private drawn = "";

  /** `goTo` is given a share of the axis, from 0 to less than 1. */
  constructor(
    private readonly axis: Span,
    select: () => void = () => {},
    goTo: (share: number) => void = () => {},
  ) {
    this.canvas = h("canvas.lane", { role: "img" });
    onDrag(this.canvas, (event) => {
      if (event.type === "pointerdown") select();
      goTo(shareAt(this.canvas, event));
    });
  }

  show({ name, color }: ObjectInfo): void {
    this.name = name;
    this.color = color;
  }

  draw({ timeline, confidence, places }: LaneContent, ink: Ink): void {
    const says = `${this.name}: ${inWords(timeline)}`;
    if (this.canvas.getAttribute("aria-label") !== says) setLabel(this.canvas, says);
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0) return;
    const { start, length } = this.axis;
    const ratio = window.devicePixelRatio || 1;
    const pixels = Math.round(width * ratio);
    const heat = confidence ? poolConfidence(confidence, pixels, start, length) : new Uint8Array();
    const look = [this.color, start, length, width, height, ratio, ink, places];
    const state = JSON.stringify([timeline ?? null, [...heat], look]);
    if (state === this.drawn) return;
    this.drawn = state;
    const context = contextOf(this.canvas);
    if (!context || !timeline) return;
    this.paint(context, { timeline, confidence, places }, heat, ink, ratio);
  }

  private paint(
    context: CanvasRenderingContext2D,
    { timeline, confidence, places }: LaneContent & { timeline: TimelineMessage },
    heat: Uint8Array,
    ink: Ink,
    ratio: number,
  ): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { start, length } = this.axis;
    const step = width / length;
    const tall = height - TOP - BAR - 2;
    const xOf = (frame: number) => (frame - start) * step;
    const widthOf = ([from, to]: Run) => Math.max((to - from) * step, 1);
    const fill = (run: Run, alpha: number) => {
      context.globalAlpha = alpha;
      context.fillRect(xOf(run[0]), TOP, widthOf(run), tall);
    };
    const clear = (run: Run) => context.clearRect(xOf(run[0]), 0, widthOf(run), height);
    context.fillStyle = context.strokeStyle = this.color;
    if (confidence) paintHeat(context, heat, TOP * ratio, tall * ratio, ratio);
    else for (const run of timeline.tracked) fill(run, 0.6);
    for (const run of timeline.stale) {
      clear(run);
      fill(run, 0.18);
      context.globalAlpha = 0.8;
      hatch(context, xOf(run[0]), widthOf(run), tall);
    }
    for (const run of timeline.accepted) {
      clear(run);
      fill(run, 1);
      // A bar below in the colour of text, and a tick where there is room for one.
      context.fillStyle = ink.text;
      context.fillRect(xOf(run[0]), height - BAR, widthOf(run), BAR);
      if (widthOf(run) >= SIGN_ROOM)
        sign(context, addTick, xOf(run[0]) + widthOf(run) / 2, TOP + tall / 2);
      context.fillStyle = context.strokeStyle = this.color;
    }
    for (const run of timeline.rejected) {
      clear(run);
      fill(run, 0.12);
      context.globalAlpha = 1;
      context.lineWidth = 1;
      context.strokeRect(xOf(run[0]) + 0.5, TOP + 0.5, Math.max(widthOf(run) - 1, 1), tall - 1);
      if (widthOf(run) >= SIGN_ROOM)
        sign(context, addCross, xOf(run[0]) + widthOf(run) / 2, TOP + tall / 2, ink.text);
      context.strokeStyle = this.color;
    }
    context.globalAlpha = 1;
    for (const frame of timeline.prompted) {
      const x = xOf(frame + 0.5);
      if (x < -DIAMOND || x > width + DIAMOND) continue;
      context.fillStyle = this.color;
      context.fillRect(xOf(frame), TOP, Math.max(step, 2), tall);
      diamond(context, x, TOP + tall / 2);
    }
    context.fillStyle = ink.warning;
    for (const frame of places) drawWarning(context, xOf(frame + 0.5), 6);
  }
}

/** In whole pixels of the screen, lest seams show between them. */
function paintHeat(
  context: CanvasRenderingContext2D,
  heat: Uint8Array,
  top: number,
  tall: number,
  ratio: number,
): void {
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  const [y, height] = [Math.round(top), Math.round(tall)];
  heat.forEach((byte, x) => {
    if (byte === 0) return;
    const absent = isAbsent(byte);
    context.globalAlpha = absent ? 0.55 : opacityOf(byte);
    context.fillRect(x, absent ? y + (height >> 1) : y, 1, absent ? Math.ceil(ratio) : height);
  });
  context.restore();
}

/** Hatching means out of date, and nothing else. */
function hatch(context: CanvasRenderingContext2D, x: number, width: number, tall: number): void {
  context.save();
  context.beginPath();
  context.rect(x, TOP, width, tall);
  context.clip();
  context.lineWidth = 1.5;
  context.beginPath();
  for (let at = Math.floor((x - tall) / HATCH) * HATCH; at < x + width; at += HATCH) {
    context.moveTo(at, TOP + tall);
    context.lineTo(at + tall, TOP);
  }
  context.stroke();
  context.restore();
}

/** A frame with prompts of a person: a key frame, as in other programs. */
function diamond(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.moveTo(x, y - DIAMOND);
  context.lineTo(x + DIAMOND, y);
  context.lineTo(x, y + DIAMOND);
  context.lineTo(x - DIAMOND, y);
  context.closePath();
  context.fillStyle = "#ffffff";
  context.fill();
  context.strokeStyle = "rgba(0, 0, 0, 0.75)";
  context.lineWidth = 1;
  context.stroke();
}

function sign(
  context: CanvasRenderingContext2D,
  add: typeof addTick,
  x: number,
  y: number,
  color = "#ffffff",
): void {
  context.beginPath();
  add(context, x, y);
  if (color === "#ffffff") {
    context.strokeStyle = "rgba(0, 0, 0, 0.6)"; // seen on light objects too
    context.lineWidth = 3.5;
    context.stroke();
  }
  context.strokeStyle = color;
  context.lineWidth = 1.75;
  context.stroke();
}

function inWords(timeline: TimelineMessage | undefined): string {
  if (!timeline) return "nothing yet.";
  return (
    `${timeline.prompted.length} frames prompted, ${lengthOf(timeline.tracked)} tracked, ` +
    `${lengthOf(timeline.stale)} out of date, ${lengthOf(timeline.accepted)} accepted, ` +
    `${lengthOf(timeline.rejected)} rejected.`
  );
}
