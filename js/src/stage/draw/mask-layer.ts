/** The masks of one frame, tinted and outlined. Colour and visibility never leave the browser. */

import type { State as MaskState } from "../../kernel/protocol";
import type { ObjectInfo } from "../../kernel/traits";
import type { Display } from "../../state/stage-state";
import type { MaskRecord, Store } from "../../state/store";
import type { Size, ViewTransform } from "../view-transform";
import { maskPath } from "./mask-path";

const OUTLINE_WIDTH = 2;
const HALO_WIDTH = 4;
/** What a correction made out of date is paler, and its outline dashed. */
const STALE_SHARE = 0.45;
const STALE_DASH = [5, 4];
/** Of the hatching of rejected masks, in CSS pixels. */
const HATCH_SPACING = 8;

/** How a mask is to look; widths are in CSS pixels. */
export interface MaskStyle {
  color: string;
  fill: number;
  /** Opacity, 0..1. */
  outline: number;
  halo?: boolean;
  dash?: number[];
  hatched?: boolean;
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
  const { color } = object;
  const opacity = !display.fill ? 0 : display.masksOnly ? 1 : display.opacity;
  const outline = display.outline ? 1 : 0;
  if (state === "rejected")
    return { color, fill: opacity, outline: 0.55 * outline, halo: false, hatched: true };
  if (state === "stale")
    return { color, fill: STALE_SHARE * opacity, outline, halo: true, dash: STALE_DASH };
  return { color, fill: opacity, outline, halo: !display.masksOnly };
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
    if (style.halo) {
      context.globalAlpha = 0.35 * style.outline;
      context.lineWidth = HALO_WIDTH * cssPixel;
      context.strokeStyle = "#000000";
      context.stroke(path);
    }
    context.globalAlpha = style.outline;
    context.lineWidth = OUTLINE_WIDTH * cssPixel;
    context.strokeStyle = style.color;
    context.setLineDash((style.dash ?? []).map((length) => length * cssPixel));
    context.stroke(path);
  }
  context.restore();
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
