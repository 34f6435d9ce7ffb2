/** Points and boxes, drawn crisp at any size. */

import type { Store } from "../store";
import type { Transform } from "./transform";

const RADIUS = 6;
/** How near a click must be to a point to mean it, in CSS pixels. */
const REACH = 9;

export function drawPrompts(
  context: CanvasRenderingContext2D,
  store: Store,
  transform: Transform,
): number {
  const { frame, objects, pending, selected } = store.state;
  let drawn = 0;
  for (const object of objects) {
    const prompts = object.visible ? store.promptsOf(object.id, frame) : undefined;
    if (!prompts) continue;
    context.globalAlpha = object.id === selected ? 1 : 0.55;
    if (prompts.box) drawBox(context, transform, prompts.box, object.color);
    for (const [x, y, label] of prompts.points) drawPoint(context, transform, x, y, label, false);
    drawn += prompts.points.length + (prompts.box ? 1 : 0);
  }
  context.globalAlpha = 1;
  for (const prompt of pending) {
    if (prompt.frame !== frame) continue;
    if (prompt.box) drawBox(context, transform, prompt.box, "#ffffff");
    if (prompt.point) drawPoint(context, transform, ...prompt.point, true);
  }
  return drawn;
}

export function drawBox(
  context: CanvasRenderingContext2D,
  transform: Transform,
  [x0, y0, x1, y1]: [number, number, number, number],
  color: string,
): void {
  const [left, top] = transform.toStage(x0, y0);
  const [right, bottom] = transform.toStage(x1, y1);
  for (const [width, style] of [
    [4, "rgba(0, 0, 0, 0.5)"],
    [2, color],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.strokeRect(left, top, right - left, bottom - top);
  }
}

function drawPoint(
  context: CanvasRenderingContext2D,
  transform: Transform,
  x: number,
  y: number,
  label: 0 | 1,
  waiting: boolean,
): void {
  const [px, py] = transform.toStage(x, y);
  context.beginPath();
  context.arc(px, py, RADIUS, 0, 2 * Math.PI);
  context.fillStyle = label ? "#12a150" : "#d92c2c";
  if (!waiting) context.fill();
  context.lineWidth = 2;
  context.strokeStyle = waiting ? context.fillStyle : "#ffffff";
  context.stroke();
  context.beginPath();
  context.moveTo(px - 3, py);
  context.lineTo(px + 3, py);
  if (label) {
    context.moveTo(px, py - 3);
    context.lineTo(px, py + 3);
  }
  context.strokeStyle = "#ffffff";
  context.stroke();
}

/** The selected object's point under a position of the stage, if any. */
export function pointAt(
  store: Store,
  transform: Transform,
  stageX: number,
  stageY: number,
): { object: number; index: number } | null {
  const { frame, selected } = store.state;
  const points = store.promptsOf(selected, frame)?.points ?? [];
  const index = points.findIndex(([x, y]) => {
    const [px, py] = transform.toStage(x, y);
    return Math.hypot(px - stageX, py - stageY) <= REACH;
  });
  return index < 0 ? null : { object: selected, index };
}
