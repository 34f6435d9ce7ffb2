/** The masks of one frame, tinted and outlined. Colour and visibility never leave the browser. */

import type { State as MaskState } from "../../kernel/protocol";
import type { ObjectInfo } from "../../kernel/traits";
import { boundsOf, type Display } from "../../state/stage-state";
import type { MaskRecord, Store } from "../../state/store";
import type { Size, ViewTransform } from "../view-transform";
import { maskPath } from "./mask-path";

const OUTLINE_WIDTH = 2;
const HALO_WIDTH = 4;
/** What is not yet so, but would be, is dotted. Dashes tell objects apart. */
export const DOTS = [0.5, 5];
/** Of what is not yet so: to be chosen, to be clicked. */
export const PROVISIONAL: MaskStyle = {
  ...{ color: "#ffffff", fill: 0.18, outline: 1, halo: true, dash: DOTS },
};
/** Around what is accepted, a light line between its colour and the halo. */
const CASING_WIDTH = 5;
const CASING_HALO_WIDTH = 7.5;
/** What a correction made out of date is hatched, and paler, as in its lane. */
const STALE_SHARE = 0.85;
/** Of the hatching, in CSS pixels. */
const HATCH_SPACING = 8;

/** How a mask is to look; widths are in CSS pixels. */
export interface MaskStyle {
  color: string;
  fill: number;
  /** Opacity, 0..1. */
  outline: number;
  halo?: boolean;
  /** Lengths on and off; `DOTS` is made of dots. */
  dash?: readonly number[];
  hatched?: boolean;
  /** A light line around the outline. */
  cased?: boolean;
  /** A line across. */
  struck?: boolean;
}

/** Draw masks in CSS pixels; objects later in the list lie on top, the selected one above all. */
export function drawMasks(
  context: CanvasRenderingContext2D,
  transform: ViewTransform,
  image: Size,
  store: Store,
  masks: Map<number, MaskRecord>,
  except: number | null = null,
): void {
  const { selected, display } = store.state;
  const ordered = store.shownObjects.sort((a, b) => +(a.id === selected) - +(b.id === selected));
  for (const object of ordered) {
    const mask = masks.get(object.id);
    if (object.id === except || !mask || mask.area === 0) continue;
    drawMask(context, transform, image, mask.runs, styleOf(object, mask.state, display));
  }
}

export function styleOf(object: ObjectInfo, state: MaskState, display: Display): MaskStyle {
  const { color, dash } = object;
  const fill = !display.fill ? 0 : display.masksOnly ? 1 : display.opacity;
  const outline = display.outline ? 1 : 0;
  const style = { color, fill, outline, halo: !display.masksOnly, dash };
  switch (state) {
    case "rejected":
      return { ...style, fill: 0.25 * fill, outline: 0.55 * outline, halo: false, struck: true };
    case "stale":
      return { ...style, fill: STALE_SHARE * fill, hatched: true };
    case "accepted":
      return { ...style, cased: true };
    default:
      return style;
  }
}

/** Draw a mask in CSS pixels: outlines are as wide at any zoom. */
export function drawMask(
  context: CanvasRenderingContext2D,
  transform: ViewTransform,
  image: Size,
  runs: Uint32Array,
  style: MaskStyle,
): void {
  const path = maskPath(runs, image, transform.scale);
  const cssPixel = 1 / transform.scale;
  context.save();
  transform.apply(context);
  if (style.fill > 0) {
    context.globalAlpha = style.fill;
    context.fillStyle = style.hatched ? hatching(context, style.color, cssPixel) : style.color;
    context.fill(path, "evenodd");
  }
  if (style.outline > 0) {
    context.lineJoin = "round";
    const stroke = (color: string, width: number, opacity: number) => {
      context.globalAlpha = opacity * style.outline;
      context.lineWidth = width * cssPixel;
      context.strokeStyle = color;
      context.stroke(path);
    };
    if (style.halo) stroke("#000000", style.cased ? CASING_HALO_WIDTH : HALO_WIDTH, 0.35);
    if (style.cased) stroke("#ffffff", CASING_WIDTH, 0.95);
    context.lineCap = style.dash === DOTS ? "round" : "butt";
    context.setLineDash((style.dash ?? []).map((length) => length * cssPixel));
    stroke(style.color, OUTLINE_WIDTH, 1);
  }
  if (style.struck) strike(context, path, runs, image, style.color, cssPixel);
  context.restore();
}

/** A line across a mask, from its lower left to its upper right. */
function strike(
  context: CanvasRenderingContext2D,
  path: Path2D,
  runs: Uint32Array,
  [width]: Size,
  color: string,
  cssPixel: number,
): void {
  const bounds = boundsOf(runs, width);
  if (!bounds) return;
  const [left, top, right, bottom] = bounds;
  context.clip(path, "evenodd");
  context.setLineDash([]);
  for (const [style, line] of [
    ["rgba(0, 0, 0, 0.45)", 4.5],
    [color, 2],
  ] as const) {
    context.globalAlpha = 1;
    context.lineWidth = line * cssPixel;
    context.strokeStyle = style;
    context.beginPath();
    context.moveTo(left, bottom);
    context.lineTo(right, top);
    context.stroke();
  }
}

/** Slanted lines that are as far apart at any zoom. */
function hatching(
  context: CanvasRenderingContext2D,
  color: string,
  cssPixel: number,
): CanvasPattern | string {
  const fine = 2; // drawn in twice the size, for screens with more pixels
  const size = HATCH_SPACING * fine;
  const tile = context.canvas.ownerDocument.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  if (!pen) return color;
  pen.strokeStyle = color;
  pen.lineWidth = 2 * fine;
  for (const shift of [-size, 0, size]) {
    pen.beginPath();
    pen.moveTo(shift - fine, size + fine);
    pen.lineTo(shift + size + fine, -fine);
    pen.stroke();
  }
  const pattern = context.createPattern(tile, "repeat");
  pattern?.setTransform({ a: cssPixel / fine, d: cssPixel / fine });
  return pattern ?? color;
}
