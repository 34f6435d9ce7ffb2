/** Points and boxes, drawn crisp at any size. Sizes are in CSS pixels. */

import type { BoxPx, Point } from "../../kernel/protocol";
import type { Store } from "../../state/store";
import { addCross } from "../../ui/canvas";
import { inkOn, NO_COLOR } from "../../ui/color";
import { boxHandles, boxToStage, removeHandle } from "../input/prompt-hits";
import type { PromptHit } from "../input/prompter";
import type { Size, ViewTransform } from "../view-transform";
import { DOTS } from "./mask-layer";

const RADIUS = 6.5;
const MARK = 3;
const HANDLE = 4.5;
const REMOVE = 9;
/** Opacity of prompts of objects that are not selected: nothing can be done with them now. */
const FADED_BOX = 0.3;
const FADED_POINT = 0.6;
const NEGATIVE = "#e5484d";
/** What the pointer is on, and whether a press has it. */
export interface Hot {
  hit: PromptHit;
  held: boolean;
}

/** Draw the prompts of a frame; returns how many there are, not counting unanswered ones. */
export function drawPrompts(
  context: CanvasRenderingContext2D,
  store: Store,
  transform: ViewTransform,
  stage: Size,
  frame: number,
  hot: Hot | null,
): number {
  const { objects, selected } = store.state;
  let drawn = 0;
  for (const object of store.shownObjects) {
    const prompts = store.promptsOf(object.id, frame);
    if (!prompts) continue;
    const isSelected = object.id === selected;
    const hit = isSelected ? (hot?.hit ?? null) : null;
    if (prompts.box) {
      const box = boxToStage(transform, prompts.box);
      context.globalAlpha = isSelected ? 1 : FADED_BOX;
      drawBox(context, box, object.color);
      if (isSelected) drawHandles(context, box, stage, object.color, hit);
    }
    context.globalAlpha = isSelected ? 1 : FADED_POINT;
    prompts.points.forEach((point, i) => {
      const isHot = hit !== null && "index" in hit && hit.index === i;
      drawPoint(context, transform, point, object.color, isHot ? (hot as Hot) : null);
    });
    drawn += prompts.points.length + (prompts.box ? 1 : 0);
  }
  for (const prompt of store.unanswered) {
    if (prompt.frame !== frame) continue;
    const color = objects.find(({ id }) => id === prompt.object)?.color ?? NO_COLOR;
    context.globalAlpha = 0.85;
    if (prompt.box) drawBox(context, boxToStage(transform, prompt.box), color);
    if (prompt.point) drawPoint(context, transform, prompt.point, color, null);
  }
  context.globalAlpha = 1;
  return drawn;
}

/** A rectangle in CSS pixels; dotted while it is being drawn. */
export function drawBox(
  context: CanvasRenderingContext2D,
  [left, top, right, bottom]: BoxPx,
  color: string,
  dotted = false,
): void {
  context.lineJoin = "round";
  for (const [width, style, dots] of [
    [4, "rgba(0, 0, 0, 0.45)", []],
    [2, color, dotted ? DOTS : []],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.lineCap = dots.length > 0 ? "round" : "butt";
    context.setLineDash(dots);
    context.strokeRect(left, top, right - left, bottom - top);
  }
  context.lineCap = "butt";
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
export function drawPoint(
  context: CanvasRenderingContext2D,
  transform: ViewTransform,
  [imageX, imageY, label]: Point,
  color: string,
  hot: Hot | null,
): void {
  const [x, y] = transform.toStage(imageX, imageY);
  if (hot) disc(context, x, y, RADIUS + 7, "rgba(255, 255, 255, 0.28)", "rgba(255, 255, 255, 0.9)");
  const fill = label ? color : "#ffffff";
  disc(context, x, y, RADIUS, fill, label ? "#ffffff" : NEGATIVE);
  context.strokeStyle = label ? inkOn(color) : NEGATIVE;
  if (hot && !hot.held) {
    cross(context, x, y); // a click removes it
    return;
  }
  context.beginPath();
  context.moveTo(x - MARK, y);
  context.lineTo(x + MARK, y);
  if (label) {
    context.moveTo(x, y - MARK);
    context.lineTo(x, y + MARK);
  }
  context.stroke();
}

/** What changes the box, and the x that removes it. */
function drawHandles(
  context: CanvasRenderingContext2D,
  box: BoxPx,
  stage: Size,
  color: string,
  hit: PromptHit | null,
): void {
  const hot = hit && "part" in hit ? hit.part : null;
  for (const { part, at } of boxHandles(box)) {
    const isHot = typeof hot === "object" && hot?.x === part.x && hot.y === part.y;
    const half = isHot ? HANDLE + 2 : HANDLE;
    context.beginPath();
    context.roundRect(at[0] - half, at[1] - half, 2 * half, 2 * half, 2.5);
    context.fillStyle = isHot ? color : "#ffffff";
    context.fill();
    context.lineWidth = 4;
    context.strokeStyle = "rgba(0, 0, 0, 0.4)";
    context.stroke();
    context.lineWidth = 2;
    context.strokeStyle = isHot ? "#ffffff" : color;
    context.stroke();
    context.fill();
  }
  const [x, y] = removeHandle(box, stage);
  disc(context, x, y, REMOVE, hot === "remove" ? NEGATIVE : "rgba(20, 22, 26, 0.85)", "#ffffff");
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
  addCross(context, x, y);
  context.stroke();
}
