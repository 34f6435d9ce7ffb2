/** Outlines of masks, traced once for as long as the mask is kept. */

import type { Size } from "../view-transform";
import { traceContours } from "./contours";

const smooth = new WeakMap<Uint32Array, Path2D>();
const exact = new WeakMap<Uint32Array, Path2D>();
/** From so many CSS pixels a pixel on, single pixels are to be seen: outlines go around them. */
export const PIXELS_FROM_SCALE = 4;
/** Smaller contours would shrink: they stay as they are. */
const MIN_SMOOTHED = 16;

/** In pixels of the image, for an even-odd fill at a scale. */
export function maskPath(runs: Uint32Array, [width]: Size, scale: number): Path2D {
  const pixels = scale > PIXELS_FROM_SCALE;
  const known = pixels ? exact : smooth;
  let path = known.get(runs);
  if (!path) {
    path = new Path2D();
    for (const contour of traceContours(runs, width, pixels))
      addPolygon(path, pixels ? contour : smoothed(contour));
    known.set(runs, path);
  }
  return path;
}

/**
 * A contour without the steps of its pixels: points a pixel apart, each the binomial mean of five,
 * twice. It strays from the contour by about a pixel at corners, and less where they are round.
 */
export function smoothed(contour: readonly number[]): number[] {
  let points = resampled(contour);
  const count = points.length / 2;
  if (count < MIN_SMOOTHED) return [...contour];
  for (let pass = 0; pass < 2; pass++) {
    const mean = new Array<number>(points.length);
    for (let i = 0; i < points.length; i++) {
      const at = (by: number) => points[(i + 2 * by + points.length) % points.length] as number;
      mean[i] = (at(-2) + 4 * at(-1) + 6 * at(0) + 4 * at(1) + at(2)) / 16;
    }
    points = mean;
  }
  return points;
}

function resampled(contour: readonly number[]): number[] {
  const points: number[] = [];
  const last = contour.length;
  for (let i = 0; i < last; i += 2) {
    const [x, y] = [contour[i] as number, contour[i + 1] as number];
    const [toX, toY] = [contour[(i + 2) % last] as number, contour[(i + 3) % last] as number];
    const steps = Math.max(1, Math.round(Math.hypot(toX - x, toY - y)));
    for (let k = 0; k < steps; k++)
      points.push(x + ((toX - x) * k) / steps, y + ((toY - y) * k) / steps);
  }
  return points;
}

/** A closed polygon from a flat list x, y, x, y... */
export function addPolygon(path: Path2D, corners: readonly number[]): void {
  addLine(path, corners);
  path.closePath();
}

export function addLine(path: Path2D, corners: readonly number[]): void {
  for (let i = 0; i < corners.length; i += 2) {
    const [x, y] = [corners[i] as number, corners[i + 1] as number];
    if (i === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  }
}
