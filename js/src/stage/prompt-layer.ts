/** Points and boxes, drawn crisp at any size. Sizes are in CSS pixels. */

import type { BoxPx, Point } from "../protocol";
import type { Store } from "../store";
import type { ViewTransform } from "./view-transform";

const RADIUS = 6.5;
const MARK = 3;
const HANDLE = 8;
const NEGATIVE = "#e5484d";
/** Of a prompt whose object is not there yet. */
const NO_COLOR = "#8b8d98";

/** A point, or with index null the box, of an object. */
export interface PromptHit {
  object: number;
  index: number | null;
}

/** Draw the prompts of a frame; returns how many there are, not counting unanswered ones. */
export function drawPrompts(
  context: CanvasRenderingContext2D,
  store: Store,
  transform: ViewTransform,
  frame: number,
  hovered: PromptHit | null,
): number {
  const { objects, pending, selected } = store.state;
  let drawn = 0;
  for (const object of objects) {
    const prompts = object.visible ? store.promptsOf(object.id, frame) : undefined;
    if (!prompts) continue;
    const isSelected = object.id === selected;
    context.globalAlpha = isSelected ? 1 : 0.7;
    if (prompts.box) {
      const box = toStage(transform, prompts.box);
      drawBox(context, box, object.color);
      if (isSelected) drawHandle(context, box[2], box[1], hovered?.index === null);
    }
    prompts.points.forEach((point, i) => {
      drawPoint(context, transform, point, object.color, isSelected && hovered?.index === i);
    });
    drawn += prompts.points.length + (prompts.box ? 1 : 0);
  }
  for (const prompt of pending) {
    if (prompt.frame !== frame) continue;
    const color = objects.find(({ id }) => id === prompt.object)?.color ?? NO_COLOR;
    context.globalAlpha = 0.85;
    if (prompt.box) drawBox(context, toStage(transform, prompt.box), color);
    if (prompt.point) drawPoint(context, transform, prompt.point, color, false);
  }
  context.globalAlpha = 1;
  return drawn;
}

/** The selected object's point, or the handle of its box, at a place of the stage. */
export function hitPrompt(
  store: Store,
  transform: ViewTransform,
  frame: number,
  x: number,
  y: number,
  reach: number,
): PromptHit | null {
  const object = store.selectedObject;
  const prompts = object?.visible ? store.promptsOf(object.id, frame) : undefined;
  if (!object || !prompts) return null;
  const near = ([px, py]: [number, number]) => Math.hypot(px - x, py - y) <= reach;
  const index = prompts.points.findLastIndex((p) => near(transform.toStage(p[0], p[1])));
  if (index >= 0) return { object: object.id, index };
  if (prompts.box && near(transform.toStage(prompts.box[2], prompts.box[1])))
    return { object: object.id, index: null };
  return null;
}

/** A rectangle in CSS pixels; dashed while it is being drawn. */
export function drawBox(
  context: CanvasRenderingContext2D,
  [left, top, right, bottom]: BoxPx,
  color: string,
  dashed = false,
): void {
  context.lineJoin = "round";
  for (const [width, style, dash] of [
    [4, "rgba(0, 0, 0, 0.45)", []],
    [2, color, dashed ? [6, 4] : []],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.setLineDash(dash);
    context.strokeRect(left, top, right - left, bottom - top);
  }
  context.setLineDash([]);
}

export function drawCross(context: CanvasRenderingContext2D, x: number, y: number): void {
  for (const [width, style] of [
    [4, "rgba(0, 0, 0, 0.55)"],
    [2, "#ffffff"],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.beginPath();
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      context.moveTo(x + 4 * dx, y + 4 * dy);
      context.lineTo(x + 14 * dx, y + 14 * dy);
    }
    context.stroke();
  }
}

/** Positive: a disc of the object's colour with a plus. Negative: a white one with a red minus. */
function drawPoint(
  context: CanvasRenderingContext2D,
  transform: ViewTransform,
  [videoX, videoY, label]: Point,
  color: string,
  removes: boolean,
): void {
  const [x, y] = transform.toStage(videoX, videoY);
  const fill = label ? color : "#ffffff";
  const ink = label ? inkOn(color) : NEGATIVE;
  disc(context, x, y, removes ? RADIUS + 2 : RADIUS, fill, label ? "#ffffff" : NEGATIVE);
  context.strokeStyle = ink;
  if (removes) cross(context, x, y);
  else {
    context.beginPath();
    context.moveTo(x - MARK, y);
    context.lineTo(x + MARK, y);
    if (label) {
      context.moveTo(x, y - MARK);
      context.lineTo(x, y + MARK);
    }
    context.stroke();
  }
}

/** Removes a box. */
function drawHandle(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  hovered: boolean,
): void {
  disc(context, x, y, HANDLE, hovered ? NEGATIVE : "rgba(20, 22, 26, 0.85)", "#ffffff");
  context.strokeStyle = "#ffffff";
  cross(context, x, y);
}

function disc(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  fill: string,
  ring: string,
): void {
  context.beginPath();
  context.arc(x, y, radius + 1.5, 0, 2 * Math.PI);
  context.fillStyle = "rgba(0, 0, 0, 0.4)";
  context.fill();
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = ring;
  context.stroke();
}

function cross(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.moveTo(x - MARK, y - MARK);
  context.lineTo(x + MARK, y + MARK);
  context.moveTo(x + MARK, y - MARK);
  context.lineTo(x - MARK, y + MARK);
  context.stroke();
}

function toStage(transform: ViewTransform, [x0, y0, x1, y1]: BoxPx): BoxPx {
  return [...transform.toStage(x0, y0), ...transform.toStage(x1, y1)];
}

/** Black or white, whichever is legible on "#rrggbb". */
function inkOn(color: string): string {
  const rgb = Number.parseInt(color.slice(1), 16);
  const luma = 0.299 * (rgb >> 16) + 0.587 * ((rgb >> 8) & 255) + 0.114 * (rgb & 255);
  return luma > 160 ? "#14161a" : "#ffffff";
}
