/** Ticks with numbers of frames, or times, above the slider that goes to a frame. */

import type { Store } from "../../state/store";
import { h } from "../../ui/dom";
import { timecode } from "../../ui/durations";
import type { TimeAxis } from "./axis";
import { contextOf, drawWarning, inkOf } from "./canvas";

export type RulerUnit = "frames" | "time";

/** Between numbers, in CSS pixels. */
const LABEL_PX = 58;
const TICK_PX = 6;
const SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];

export class Ruler {
  readonly canvas = h("canvas.ruler", { "aria-hidden": "true" });
  unit: RulerUnit = "frames";

  constructor(
    private readonly store: Store,
    private readonly axis: TimeAxis,
  ) {}

  /** With marks at the frames that are worth a look. */
  draw(places: number[]): void {
    const context = contextOf(this.canvas);
    if (!context) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { axis } = this;
    const ink = inkOf(this.canvas);
    const interval = this.store.state.video.interval_s;
    const inTime = this.unit === "time" && interval > 0;
    const pixels = width / axis.length;
    const step = inTime
      ? secondsStep((LABEL_PX / pixels) * interval) / interval
      : frameStep(LABEL_PX / pixels);
    const minor = minorStep(step, pixels, inTime ? 1 / interval : 1);
    context.fillStyle = ink.text;
    context.font = "10px system-ui, sans-serif";
    context.textBaseline = "top";
    for (let n = Math.max(0, Math.floor(axis.start / minor)); ; n++) {
      const frame = n * minor;
      const x = (frame + (inTime ? 0 : 0.5) - axis.start) * pixels;
      if (x > width || frame >= axis.frames) break;
      if (x < 0) continue;
      const major = Math.abs(frame / step - Math.round(frame / step)) < 1e-6;
      context.globalAlpha = major ? 0.55 : 0.28;
      context.fillRect(Math.round(x) - 0.5, height - (major ? 7 : 4), 1, major ? 7 : 4);
      if (!major) continue;
      const text = inTime
        ? timecode(frame * interval, step * interval < 1 ? 1 : 0)
        : String(Math.round(frame));
      const wide = context.measureText(text).width;
      context.globalAlpha = 0.75;
      context.fillText(text, Math.max(0, Math.min(width - wide, x - wide / 2)), 2);
    }
    context.globalAlpha = 1;
    context.fillStyle = ink.warning;
    const marks = new Set(places.map((frame) => Math.round((frame + 0.5 - axis.start) * pixels)));
    for (const x of marks) drawWarning(context, x, height);
  }
}

/** 1, 2 or 5 times a power of ten, and not below. */
function frameStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= least) ?? power;
}

function secondsStep(least: number): number {
  return SECONDS.find((step) => step >= least) ?? Math.ceil(least / 3600) * 3600;
}

/** Of the ticks between numbers: a fifth or a half, where they do not come too near. */
function minorStep(step: number, pixels: number, unit: number): number {
  const parts = [10, 5, 2].find((n) => {
    const frames = step / n;
    return frames * pixels >= TICK_PX && (unit !== 1 || Number.isInteger(frames));
  });
  return step / (parts ?? 1);
}
