/** What a press of the pointer does until it is released. */

import type { ObjectInfo } from "../../kernel/traits";
import { drawBox } from "../draw/prompt-layer";
import { simplify } from "../draw/simplify";
import { drawStroke, type StrokeScene } from "../draw/stroke-layer";
import type { ViewTransform } from "../view-transform";
import type { Place } from "../viewport";
import { draggedBox } from "./prompt-hits";
import type { Prompter, PromptHit } from "./prompter";

/** A press that moves farther than this, in CSS pixels, is a drag. */
export const DRAG_DISTANCE = 4;
/** Paths may be off by this much, in pixels of the image. */
export const PATH_TOLERANCE = 0.4;
const MIN_RADIUS = 0.5;
const MAX_RADIUS = 500;

export interface Gesture {
  /** What it has in hand. */
  readonly hit?: PromptHit;
  /** Where the brush's outline stays meanwhile. */
  readonly at?: Place;
  move(place: Place): void;
  release(): void;
  /** Leave everything as it was. */
  cancel?(): void;
  draw?(context: CanvasRenderingContext2D, transform: ViewTransform, scene: StrokeScene): void;
}

/** A click puts a point, or selects the object whose mask it is on; a drag draws a box.
 * `onPurpose` changes what is accepted without a question. */
export function pointOrBox(
  prompter: Prompter,
  start: Place,
  label: 0 | 1,
  { select = null as ObjectInfo | null, onPurpose = false } = {},
): Gesture {
  let corner: Place | null = null;
  return {
    move(place) {
      if (corner || far(start, place)) corner = clamped(prompter, place);
    },
    release() {
      if (corner) prompter.box(start, corner, onPurpose);
      else if (select) prompter.select(select);
      else prompter.point(start, label, onPurpose);
    },
    draw(context) {
      if (!corner) return;
      const xs = [start.x, corner.x];
      const ys = [start.y, corner.y];
      const [left, top] = [Math.min(...xs), Math.min(...ys)];
      const [right, bottom] = [Math.max(...xs), Math.max(...ys)];
      context.fillStyle = "rgba(255, 255, 255, 0.12)";
      context.fillRect(left, top, right - left, bottom - top);
      drawBox(context, [left, top, right, bottom], "#ffffff", true);
    },
  };
}

/** A click on a point removes it, a drag moves it. */
export function movePoint(
  prompter: Prompter,
  start: Place,
  hit: { object: number; index: number },
  onPurpose = false,
): Gesture {
  const { frame, store } = prompter;
  const before = store.promptsOf(hit.object, frame);
  const point = before?.points[hit.index];
  let moved: [number, number] | null = null;
  return {
    hit,
    move(place) {
      if (!before || !point || (!moved && !far(start, place))) return;
      // The point keeps its distance from the pointer, which took it somewhere within reach.
      const { scale } = prompter.viewport.transform;
      const [width, height] = prompter.viewport.image;
      moved = [
        Math.max(0, Math.min(width, point[0] + (place.x - start.x) / scale)),
        Math.max(0, Math.min(height, point[1] + (place.y - start.y) / scale)),
      ];
      const now: typeof point = [...moved, point[2]];
      store.putPrompts({ ...before, points: before.points.with(hit.index, now) });
    },
    release() {
      if (!moved) prompter.removePoint(hit.object, hit.index, onPurpose);
      else if (!prompter.movePoint(hit.object, hit.index, ...moved, onPurpose) && before)
        store.putPrompts(before); // until there is an answer
    },
    cancel() {
      if (before && moved) store.putPrompts(before);
    },
  };
}

/** A handle moves its sides of the box, the line all of it; the x removes it. */
export function editBox(
  prompter: Prompter,
  start: Place,
  hit: Extract<PromptHit, { part: unknown }>,
  label: 0 | 1,
  onPurpose = false,
): Gesture {
  const { frame, store } = prompter;
  const before = store.promptsOf(hit.object, frame);
  const box = before?.box;
  let moved: typeof box = null;
  return {
    hit,
    move(place) {
      if (!before || !box || hit.part === "remove" || (!moved && !far(start, place))) return;
      const { scale } = prompter.viewport.transform;
      const by = [(place.x - start.x) / scale, (place.y - start.y) / scale] as const;
      moved = draggedBox(box, hit.part, ...by, prompter.viewport.image);
      store.putPrompts({ ...before, box: moved });
    },
    release() {
      if (moved && !prompter.boxPx(moved, onPurpose) && before) store.putPrompts(before);
      else if (moved) return;
      else if (hit.part === "remove") prompter.removeBox(hit.object, onPurpose);
      else if (hit.part === "line") prompter.point(start, label, onPurpose);
    },
    cancel() {
      if (before && moved) store.putPrompts(before);
    },
  };
}

/** The brush or the eraser along the pointer's way. */
export function brush(prompter: Prompter, start: Place, erase: boolean): Gesture {
  const radius = prompter.store.state.brush;
  const path: number[] = [...prompter.viewport.toImage(start)];
  const stroke = () => ({ shape: "brush" as const, erase, radius, path });
  return {
    move(place) {
      path.push(...prompter.viewport.toImage(place));
    },
    release() {
      prompter.paint({ ...stroke(), path: simplify(path, PATH_TOLERANCE) });
    },
    draw(context, transform, scene) {
      drawStroke(context, transform, stroke(), scene);
    },
  };
}

/** To the right and the brush grows, to the left and it shrinks. */
export function resizeBrush(prompter: Prompter, start: Place): Gesture {
  const { store } = prompter;
  const before = store.state.brush;
  return {
    at: start,
    move(place) {
      const { scale } = prompter.viewport.transform;
      store.set("brush", clampRadius(before + (place.x - start.x) / scale));
    },
    release() {},
    cancel() {
      store.set("brush", before);
    },
  };
}

export function clampRadius(radius: number): number {
  return Math.max(MIN_RADIUS, Math.min(MAX_RADIUS, radius));
}

export function far(a: Place, b: Place): boolean {
  return Math.hypot(a.x - b.x, a.y - b.y) > DRAG_DISTANCE;
}

function clamped(prompter: Prompter, { x, y }: Place): Place {
  const [width, height] = prompter.viewport.stage;
  return { x: Math.max(0, Math.min(width, x)), y: Math.max(0, Math.min(height, y)) };
}
