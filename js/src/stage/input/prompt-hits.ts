/** Which point, or part of a box, is at a place of the stage. */

import type { BoxPx, Point } from "../../kernel/protocol";
import type { Size, ViewTransform } from "../view-transform";
import type { Place } from "../viewport";

/** A handle by the sides that it moves (-1 is left or top, 1 right or bottom), the line, the x. */
export type BoxPart = { x: -1 | 0 | 1; y: -1 | 0 | 1 } | "line" | "remove";

/** Handles in the middle of sides that are shorter than this would hide those at the corners. */
const SHORT_SIDE = 64;
/** From the corner to the x that removes the box. */
const REMOVE_DISTANCE = 22;
const EDGE = 10;

/** The topmost point within reach. */
export function hitPoint(
  points: readonly Point[],
  transform: ViewTransform,
  place: Place,
  reach: number,
): number | null {
  const near = ([x, y]: Point) => distance(transform.toStage(x, y), place) <= reach;
  const index = points.findLastIndex(near);
  return index < 0 ? null : index;
}

export function hitBox(
  box: BoxPx,
  transform: ViewTransform,
  stage: Size,
  place: Place,
  reach: number,
): BoxPart | null {
  const onStage = boxToStage(transform, box);
  if (distance(removeHandle(onStage, stage), place) <= reach) return "remove";
  const handles = boxHandles(onStage)
    .map(({ part, at }) => ({ part, distance: distance(at, place) }))
    .sort((a, b) => a.distance - b.distance);
  if (handles[0] && handles[0].distance <= reach) return handles[0].part;
  const [left, top, right, bottom] = onStage;
  const within = (grow: number) =>
    place.x >= left - grow &&
    place.x <= right + grow &&
    place.y >= top - grow &&
    place.y <= bottom + grow;
  return within(reach) && !within(-reach) ? "line" : null;
}

/** Four or eight handles of a box, in CSS pixels. */
export function boxHandles([left, top, right, bottom]: BoxPx): {
  part: Exclude<BoxPart, string>;
  at: [number, number];
}[] {
  const sides = [-1, 0, 1] as const;
  const shortX = right - left < SHORT_SIDE;
  const shortY = bottom - top < SHORT_SIDE;
  return sides.flatMap((y) =>
    sides
      .filter((x) => (x || y) && !(x === 0 && shortX) && !(y === 0 && shortY))
      .map((x) => ({
        part: { x, y },
        at: [((1 - x) * left + (1 + x) * right) / 2, ((1 - y) * top + (1 + y) * bottom) / 2] as [
          number,
          number,
        ],
      })),
  );
}

/** Where the x is: beside the upper right corner, or the left one, or inside, as there is room. */
export function removeHandle([left, top, right]: BoxPx, [width]: Size): [number, number] {
  if (right + REMOVE_DISTANCE + EDGE <= width)
    return [right + REMOVE_DISTANCE, Math.max(EDGE, top)];
  if (left - REMOVE_DISTANCE - EDGE >= 0) return [left - REMOVE_DISTANCE, Math.max(EDGE, top)];
  return [right - REMOVE_DISTANCE, Math.max(EDGE, top + REMOVE_DISTANCE)];
}

export function boxToStage(transform: ViewTransform, [x0, y0, x1, y1]: BoxPx): BoxPx {
  return [...transform.toStage(x0, y0), ...transform.toStage(x1, y1)];
}

/** The box with the sides that a part moves gone by (dx, dy), within an image. */
export function draggedBox(
  [x0, y0, x1, y1]: BoxPx,
  part: BoxPart,
  dx: number,
  dy: number,
  [width, height]: Size,
): BoxPx {
  if (typeof part === "string") {
    const inX = Math.max(-x0, Math.min(width - x1, dx));
    const inY = Math.max(-y0, Math.min(height - y1, dy));
    return [x0 + inX, y0 + inY, x1 + inX, y1 + inY];
  }
  const side = (value: number, moves: boolean, by: number, most: number) =>
    moves ? Math.max(0, Math.min(most, value + by)) : value;
  const xs = [side(x0, part.x < 0, dx, width), side(x1, part.x > 0, dx, width)];
  const ys = [side(y0, part.y < 0, dy, height), side(y1, part.y > 0, dy, height)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function distance([x, y]: readonly number[], place: Place): number {
  return Math.hypot((x as number) - place.x, (y as number) - place.y);
}
