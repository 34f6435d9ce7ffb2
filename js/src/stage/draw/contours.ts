/** The outlines of a mask as polygons: crisp at any size, filled and stroked by the browser. */

import { boundsOf } from "../../state/stage-state";

/** Steps east, south, west, north (y points down). */
const STEP_X = [1, 0, -1, 0] as const;
const STEP_Y = [0, 1, 0, -1] as const;
const NORTH = 3;
/** Pixels in the rectangle around a mask. */
const MAX_TRACED = 2 ** 23;

/**
 * Closed polygons around the pixels of a mask, and around its holes, for an even-odd fill.
 *
 * They go along pixel borders with the inside to the right and join the middles of those borders,
 * so that a slanted rim is a slanted line and not a staircase; `exact` ones keep each pixel's
 * corners. Flat lists x, y, x, y... in pixels. Of a mask that is larger than `MAX_TRACED` pixels,
 * they go around every second pixel or fewer: it is drawn smaller than that.
 */
export function traceContours(runs: Uint32Array, imageWidth: number, exact = false): number[][] {
  const bounds = boundsOf(runs, imageWidth);
  if (!bounds) return [];
  const [left, top, right, bottom] = bounds;
  const step = Math.ceil(Math.sqrt(((right - left) * (bottom - top)) / MAX_TRACED));
  const width = Math.ceil((right - left) / step);
  const height = Math.ceil((bottom - top) / step);
  const pixels = thinned(runs, imageWidth, bounds, step, width, height);
  const contours: number[][] = [];
  // Every contour climbs somewhere along the left border of some pixels of a row.
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p++)
      if (pixels[p] === 1 && (x === 0 || pixels[p - 1] === 0))
        contours.push(placed(trace(pixels, x, y)));
  return contours;

  /** A contour where it lies in the image. */
  function placed(contour: number[]): number[] {
    return contour.map((at, i) => at * step + (i % 2 === 0 ? left : top));
  }

  /** Walk from the left border of a pixel until back there. Climbed borders become 2. */
  function trace(pixels: Uint8Array, startX: number, startY: number): number[] {
    const contour: number[] = [];
    let [x, y] = [startX, startY + 1];
    let heading = NORTH;
    let before = -1;
    do {
      if (heading === NORTH) pixels[(y - 1) * width + x] = 2;
      const dx = STEP_X[heading] as number;
      const dy = STEP_Y[heading] as number;
      const middleX = x + dx / 2;
      const middleY = y + dy / 2;
      x += dx;
      y += dy;
      // The two pixels ahead, right and left of the way.
      const aheadX = x + (dx - 1) / 2;
      const aheadY = y + (dy - 1) / 2;
      const right = inside(aheadX - dy / 2, aheadY + dx / 2);
      const left = inside(aheadX + dy / 2, aheadY - dx / 2);
      const next = !right ? (heading + 1) % 4 : left ? (heading + 3) % 4 : heading;
      if (exact && next !== heading) contour.push(x, y);
      else if (!exact && (before !== heading || next !== heading)) contour.push(middleX, middleY);
      before = heading;
      heading = next;
    } while (x !== startX || y !== startY + 1 || heading !== NORTH);
    return contour;
  }

  function inside(x: number, y: number): boolean {
    return x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] !== 0;
  }
}

/** One byte for each `step`-th pixel of the rectangle around a mask, 0 or 1. */
function thinned(
  runs: Uint32Array,
  imageWidth: number,
  [left, top]: [number, number, number, number],
  step: number,
  width: number,
  height: number,
): Uint8Array {
  const pixels = new Uint8Array(width * height);
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    const end = at + (runs[i] as number);
    if (i % 2 === 1)
      for (let p = at; p < end; ) {
        const row = Math.floor(p / imageWidth);
        const next = Math.min(end, (row + 1) * imageWidth);
        const y = (row - top) / step;
        if (Number.isInteger(y)) {
          const x0 = Math.ceil((p - row * imageWidth - left) / step);
          const x1 = Math.ceil((next - row * imageWidth - left) / step);
          pixels.fill(1, y * width + x0, y * width + x1);
        }
        p = next;
      }
    at = end;
  }
  return pixels;
}
