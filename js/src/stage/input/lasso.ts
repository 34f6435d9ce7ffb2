/** A polygon around a region: corners by clicks, its rim by dragging, or both. */

import { simplify } from "../draw/simplify";
import { drawStroke, type StrokeScene } from "../draw/stroke-layer";
import type { ViewTransform } from "../view-transform";
import type { Place } from "../viewport";
import { far, type Gesture, PATH_TOLERANCE } from "./gesture";
import type { Prompter } from "./prompter";

/** A click so near to the first corner closes, in CSS pixels. */
const CLOSE_REACH = 12;
const CORNER = 4;

export class Lasso {
  /** Flat list x, y, x, y... in pixels of the image. */
  private path: number[] = [];
  private erase = false;
  /** Of the frame that it was begun on. */
  private frame = -1;

  constructor(private readonly prompter: Prompter) {}

  get open(): boolean {
    return this.path.length > 0 && this.frame === this.prompter.frame;
  }

  /** A press puts a corner; a drag goes on along the pointer's way. One begun by a drag closes. */
  press(start: Place, erase: boolean): Gesture {
    if (!this.open) this.begin(erase);
    const first = this.path.length === 0;
    const closing = this.closes(start);
    let dragged = false;
    if (!closing) this.add(start);
    return {
      move: (place) => {
        dragged ||= far(start, place);
        if (dragged) this.add(place);
      },
      release: () => {
        if (closing || (first && dragged)) this.close();
      },
      cancel: () => this.cancel(),
    };
  }

  /** A corner at the place, or the end when the last one is there already. */
  mark(at: [number, number], erase: boolean): void {
    if (!this.open) this.begin(erase);
    const [x, y] = this.path.slice(-2);
    if (x === at[0] && y === at[1]) this.close();
    else this.path.push(...at);
  }

  close(): void {
    const { erase } = this;
    const path = simplify(this.path, PATH_TOLERANCE);
    const open = this.open;
    this.cancel();
    if (open && path.length >= 6) this.prompter.paint({ shape: "polygon", erase, radius: 0, path });
  }

  cancel(): void {
    this.path = [];
  }

  /** Take the last corner back. */
  back(): void {
    this.path.splice(-2);
  }

  draw(
    context: CanvasRenderingContext2D,
    transform: ViewTransform,
    scene: StrokeScene,
    pointer: Place | null,
  ): void {
    if (!this.open) return;
    const ahead = pointer ? this.prompter.viewport.toImage(pointer) : [];
    const path = [...this.path, ...ahead];
    drawStroke(context, transform, { shape: "polygon", erase: this.erase, radius: 0, path }, scene);
    const [x, y] = transform.toStage(this.path[0] as number, this.path[1] as number);
    const closing = pointer !== null && this.closes(pointer);
    context.beginPath();
    context.arc(x, y, closing ? CORNER + 3 : CORNER, 0, 2 * Math.PI);
    context.fillStyle = "#ffffff";
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = "rgba(0, 0, 0, 0.6)";
    context.stroke();
  }

  /** Whether a click here is one on the first corner of at least three. */
  closes(place: Place): boolean {
    if (this.path.length < 6) return false;
    const [x, y] = this.path as [number, number];
    const [atX, atY] = this.prompter.viewport.transform.toStage(x, y);
    return Math.hypot(atX - place.x, atY - place.y) <= CLOSE_REACH;
  }

  private begin(erase: boolean): void {
    this.path = [];
    this.erase = erase;
    this.frame = this.prompter.frame;
  }

  private add(place: Place): void {
    const at = this.prompter.viewport.toImage(place);
    const [x, y] = this.path.slice(-2);
    if (x !== at[0] || y !== at[1]) this.path.push(...at);
  }
}
