/** Outlines of masks, traced once for as long as the mask is kept. */

import { traceContours } from "./contours";
import type { Size } from "./view-transform";

const smooth = new WeakMap<Uint32Array, Path2D>();
const exact = new WeakMap<Uint32Array, Path2D>();
/** From so many CSS pixels a pixel on, single pixels are to be seen: outlines go around them. */
export const PIXELS_FROM_SCALE = 4;

/** In pixels of the image, for an even-odd fill at a scale. */
export function maskPath(runs: Uint32Array, [width, height]: Size, scale: number): Path2D {
  const pixels = scale > PIXELS_FROM_SCALE;
  const known = pixels ? exact : smooth;
  let path = known.get(runs);
  if (!path) {
    path = new Path2D();
    for (const contour of traceContours(runs, width, height, pixels)) addPolygon(path, contour);
    known.set(runs, path);
  }
  return path;
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
