/** A crosshair moved with keys, so that prompts need no pointer. */

import type { Store } from "../store";
import { drawBox, drawCross } from "./prompt-layer";
import type { Prompter } from "./prompter";
import type { ViewTransform } from "./view-transform";

/** Shares of the video's width that a key moves it by, plain and with Shift. */
const STEP = 1 / 200;
const LONG_STEP = 1 / 20;
const REACH = 9;

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Crosshair {
  /** In pixels of the video. */
  private at: [number, number] | null = null;
  /** Of a box: the corner that was marked first. */
  private corner: [number, number] | null = null;
  private transform: ViewTransform | null = null;

  constructor(
    private readonly store: Store,
    private readonly prompter: Prompter,
    private readonly redraw: () => void,
  ) {}

  hide(): void {
    this.at = null;
    this.corner = null;
    this.redraw();
  }

  /** Alt and arrows move, Enter marks with the tool at hand; true when it was one of these. */
  handleKey(event: KeyboardEvent): boolean {
    const arrow = event.altKey ? ARROWS[event.key] : undefined;
    if (arrow) this.move(arrow, event.shiftKey ? LONG_STEP : STEP);
    else if (event.key === "Enter" && this.at) this.mark(this.at, event.shiftKey);
    else return false;
    this.redraw();
    return true;
  }

  draw(context: CanvasRenderingContext2D, transform: ViewTransform): void {
    this.transform = transform;
    if (!this.at) return;
    const [x, y] = transform.toStage(...this.at);
    if (this.corner) {
      const [left, top] = transform.toStage(...this.corner);
      drawBox(context, [left, top, x, y], "#ffffff", true);
    }
    drawCross(context, x, y);
  }

  private move([dx, dy]: [number, number], share: number): void {
    const { width, height } = this.store.state.video;
    const [x, y] = this.at ?? [width / 2, height / 2];
    const step = Math.max(1, Math.round(width * share));
    this.at = [
      Math.max(0.5, Math.min(width - 0.5, x + dx * step)),
      Math.max(0.5, Math.min(height - 0.5, y + dy * step)),
    ];
  }

  private mark(at: [number, number], shift: boolean): void {
    if (!this.transform) return;
    const [x, y] = this.transform.toStage(...at);
    const { tool } = this.store.state;
    if (tool === "box" && !this.corner) {
      this.corner = at;
      return;
    }
    if (this.corner) {
      const [left, top] = this.transform.toStage(...this.corner);
      this.corner = null;
      this.prompter.box({ x: left, y: top }, { x, y });
      return;
    }
    const hit = this.prompter.hit({ x, y }, REACH);
    if (hit) this.prompter.remove(hit);
    else this.prompter.point({ x, y }, shift || tool === "negative" ? 0 : 1);
  }
}
