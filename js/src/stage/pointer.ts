/** Gestures of mouse, pen and finger on the stage. */

import type { PromptHit } from "./prompt-layer";
import { drawBox } from "./prompt-layer";
import type { Place, Prompter } from "./prompter";

/** A press that moves farther than this, in CSS pixels, draws a box. */
const DRAG_DISTANCE = 4;
/** How near to a point means that point, in CSS pixels. */
const REACH = 9;
const FINGER_REACH = 16;

export class PointerInput {
  /** What a click would remove. */
  hovered: PromptHit | null = null;
  private start: (Place & { label: 0 | 1; pointer: number }) | null = null;
  private corner: Place | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly prompter: Prompter,
    private readonly redraw: () => void,
  ) {
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.cancel());
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      event.stopPropagation(); // the notebook has a menu of its own
    });
  }

  cancel(): void {
    this.start = null;
    this.corner = null;
    this.redraw();
  }

  /** The box being drawn. */
  draw(context: CanvasRenderingContext2D): void {
    if (!this.start || !this.corner) return;
    const { start, corner } = this;
    const box: [number, number, number, number] = [
      Math.min(start.x, corner.x),
      Math.min(start.y, corner.y),
      Math.max(start.x, corner.x),
      Math.max(start.y, corner.y),
    ];
    context.fillStyle = "rgba(255, 255, 255, 0.12)";
    context.fillRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
    drawBox(context, box, "#ffffff", true);
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0 && event.button !== 2) return;
    if (this.start) {
      this.cancel(); // a second finger: no prompt was meant
      return;
    }
    const negative =
      event.button === 2 || event.shiftKey || this.prompter.store.state.tool === "negative";
    this.start = { ...this.place(event), label: negative ? 0 : 1, pointer: event.pointerId };
    this.canvas.setPointerCapture?.(event.pointerId);
  }

  private move(event: PointerEvent): void {
    const place = this.place(event);
    if (!this.start) {
      this.hover(event.pointerType === "touch" ? null : this.prompter.hit(place, REACH));
      return;
    }
    if (event.pointerId !== this.start.pointer) return;
    const distance = Math.hypot(place.x - this.start.x, place.y - this.start.y);
    if (!this.corner && distance <= DRAG_DISTANCE) return;
    this.corner = this.clamp(place);
    this.redraw();
  }

  private up(event: PointerEvent): void {
    const { start, corner } = this;
    if (!start || event.pointerId !== start.pointer) return;
    this.cancel();
    if (corner) {
      this.prompter.box(start, corner);
      return;
    }
    const reach = event.pointerType === "touch" ? FINGER_REACH : REACH;
    const hit = this.prompter.hit(start, reach);
    if (hit) this.prompter.remove(hit);
    else this.prompter.point(start, start.label);
    this.hover(null);
  }

  private hover(hit: PromptHit | null): void {
    const changed =
      hit?.index !== this.hovered?.index || (hit === null) !== (this.hovered === null);
    this.hovered = hit;
    this.canvas.classList.toggle("s2w-removes", hit !== null);
    if (changed) this.redraw();
  }

  private place(event: PointerEvent): Place {
    const bounds = this.canvas.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  }

  private clamp({ x, y }: Place): Place {
    const { width, height } = this.canvas.getBoundingClientRect();
    return { x: Math.max(0, Math.min(width, x)), y: Math.max(0, Math.min(height, y)) };
  }
}
