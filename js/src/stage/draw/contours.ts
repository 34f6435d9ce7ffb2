/** The outlines of a mask as polygons: crisp at any size, filled and stroked by the browser. */

import { runsToPixels } from "../../kernel/codecs";

/** Steps east, south, west, north (y points down). */
const STEP_X = [1, 0, -1, 0] as const;
const STEP_Y = [0, 1, 0, -1] as const;
const NORTH = 3;

/**
 * Closed polygons around the pixels of a mask, and around its holes, for an even-odd fill.
 *
 * They go along pixel borders with the inside to the right and join the middles of those borders,
 * so that a slanted rim is a slanted line and not a staircase; `exact` ones keep each pixel's
 * corners. Flat lists x, y, x, y... in pixels.
 */
export function traceContours(
  runs: Uint32Array,
  width: number,
  height: number,
  exact = false,
): number[][] {
  const pixels = runsToPixels(runs, width * height);
  const contours: number[][] = [];
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    const end = at + (runs[i] as number);
    // Every contour climbs somewhere along the left border of a run, or of its part in a row.
    if (i % 2 === 1)
      for (let p = at; p < end; p = (Math.floor(p / width) + 1) * width)
        if (pixels[p] === 1) contours.push(trace(pixels, p % width, Math.floor(p / width)));
    at = end;
  }
  return contours;

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
