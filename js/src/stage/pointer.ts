/** Pointer gestures on the stage as requests. */

import type { Client } from "../client";
import type { Store } from "../store";
import { pointAt } from "./prompt-layer";
import type { Transform } from "./transform";

/** A press that moves farther than this, in CSS pixels, draws a box. */
const DRAG_DISTANCE = 4;

type Rectangle = [number, number, number, number];

export class PointerInput {
  private start: { x: number; y: number; negative: boolean; pointer: number } | null = null;
  /** The box being drawn, in pixels of the video. */
  box: Rectangle | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly store: Store,
    private readonly client: Client,
    private readonly transform: () => Transform,
    private readonly redraw: () => void,
  ) {
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.cancel());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  cancel(): void {
    this.start = null;
    this.box = null;
    this.redraw();
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0 && event.button !== 2) return;
    const [x, y] = this.position(event);
    const negative = event.button === 2 || event.shiftKey || this.store.state.tool === "negative";
    this.start = { x, y, negative, pointer: event.pointerId };
    this.canvas.setPointerCapture?.(event.pointerId);
  }

  private move(event: PointerEvent): void {
    if (!this.start || event.pointerId !== this.start.pointer) return;
    const [x, y] = this.position(event);
    if (!this.box && Math.hypot(x - this.start.x, y - this.start.y) <= DRAG_DISTANCE) return;
    this.box = this.rectangle(this.start.x, this.start.y, x, y);
    this.redraw();
  }

  private up(event: PointerEvent): void {
    const { start, box } = this;
    if (!start || event.pointerId !== start.pointer) return;
    this.cancel();
    if (box) this.sendBox(box);
    else this.sendClick(start.x, start.y, start.negative ? 0 : 1);
  }

  private sendClick(stageX: number, stageY: number, label: 0 | 1): void {
    const hit = pointAt(this.store, this.transform(), stageX, stageY);
    const { frame } = this.store.state;
    if (hit) {
      this.client.send({ type: "remove_point", frame, ...hit });
      return;
    }
    const [x, y] = this.clamp(...this.transform().toVideo(stageX, stageY));
    const object = this.store.selectedObject?.id ?? null;
    this.client.prompt(
      { type: "click", frame, object, x, y, label },
      { frame, object, point: [x, y, label] },
    );
  }

  private sendBox(box: Rectangle): void {
    const [x0, y0, x1, y1] = box;
    if (x1 - x0 < 1 || y1 - y0 < 1) return;
    const { frame } = this.store.state;
    const object = this.store.selectedObject?.id ?? null;
    this.client.prompt({ type: "box", frame, object, x0, y0, x1, y1 }, { frame, object, box });
  }

  private rectangle(ax: number, ay: number, bx: number, by: number): Rectangle {
    const [x0, y0] = this.clamp(...this.transform().toVideo(Math.min(ax, bx), Math.min(ay, by)));
    const [x1, y1] = this.clamp(...this.transform().toVideo(Math.max(ax, bx), Math.max(ay, by)));
    return [x0, y0, x1, y1];
  }

  private position(event: PointerEvent): [number, number] {
    const bounds = this.canvas.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  }

  private clamp(x: number, y: number): [number, number] {
    const { width, height } = this.store.state.video;
    return [Math.max(0, Math.min(width, x)), Math.max(0, Math.min(height, y))];
  }
}
