/** A crosshair moved with keys, so that prompts need no pointer. */

import { ARROWS } from "../../state/keys/keys";
import type { Proposals } from "../candidates/proposals";
import type { Lasso } from "../input/lasso";
import { type Meaning, type Prompter, REACH } from "../input/prompter";
import type { ViewTransform } from "../view-transform";
import type { Place } from "../viewport";
import { drawBox, drawCross } from "./prompt-layer";

/** Shares of the stage's width that a key moves it by, plain and with Shift. */
const STEP = 1 / 200;
const LONG_STEP = 1 / 20;

export class Crosshair {
  /** In pixels of the image. */
  private at: [number, number] | null = null;
  /** Of a box: the corner that was marked first. */
  private corner: [number, number] | null = null;

  constructor(
    private readonly prompter: Prompter,
    private readonly lasso: Lasso,
    private readonly proposals: Proposals,
    private readonly redraw: () => void,
  ) {}

  get shown(): boolean {
    return this.at !== null;
  }

  /** Where Enter would do something else than put a point, and what; null where it would not. */
  get meaning(): (Meaning & { at: Place }) | null {
    const { store, viewport } = this.prompter;
    const { tool } = store.state;
    if (!this.at || (tool !== "positive" && tool !== "negative")) return null;
    const [x, y] = viewport.transform.toStage(...this.at);
    const meaning = this.prompter.meaning({ x, y }, tool === "positive");
    return meaning && { ...meaning, at: { x, y } };
  }

  hide(): void {
    this.at = null;
    this.corner = null;
    this.redraw();
  }

  /** Alt and arrows move, Enter marks with the tool at hand; true when it was one of these. */
  handleKey(event: KeyboardEvent): boolean {
    const arrow = event.altKey ? ARROWS[event.key] : undefined;
    if (arrow) this.move(arrow, event.shiftKey ? LONG_STEP : STEP);
    else if (event.key === "Enter" && this.at) this.mark(this.at, event.shiftKey, event.altKey);
    else return false;
    this.redraw();
    return true;
  }

  draw(context: CanvasRenderingContext2D, transform: ViewTransform): void {
    if (!this.at) return;
    const [x, y] = transform.toStage(...this.at);
    if (this.corner) {
      const [left, top] = transform.toStage(...this.corner);
      drawBox(context, [left, top, x, y], "#ffffff", true);
    }
    drawCross(context, x, y);
  }

  /** By whole pixels of the image, so many that the steps look alike at any zoom. */
  private move([dx, dy]: [number, number], share: number): void {
    const { viewport } = this.prompter;
    const [width, height] = viewport.image;
    const [stageWidth, stageHeight] = viewport.stage;
    const middle = viewport.toImage({ x: stageWidth / 2, y: stageHeight / 2 });
    const [x, y] = this.at ?? middle;
    const step = Math.max(1, Math.round((stageWidth * share) / viewport.transform.scale));
    this.at = [
      Math.max(0.5, Math.min(width - 0.5, x + dx * step)),
      Math.max(0.5, Math.min(height - 0.5, y + dy * step)),
    ];
    viewport.reveal(...this.at);
  }

  private mark(at: [number, number], shift: boolean, onPurpose: boolean): void {
    const { prompter } = this;
    const [x, y] = prompter.viewport.transform.toStage(...at);
    const { tool, brush: radius } = prompter.store.state;
    if (tool === "everything") this.proposals.toggleAt({ x, y });
    else if (tool === "polygon") this.lasso.mark(at, shift);
    else if (tool === "brush" || tool === "eraser") {
      const erase = shift || tool === "eraser";
      prompter.paint({ shape: "brush", erase, radius, path: [...at] });
    } else if (this.corner) {
      const [left, top] = prompter.viewport.transform.toStage(...this.corner);
      this.corner = null;
      prompter.box({ x: left, y: top }, { x, y }, onPurpose);
    } else if (tool === "box") this.corner = at;
    else {
      const label = shift || tool === "negative" ? 0 : 1;
      const hit = prompter.hit({ x, y }, REACH);
      const select = label === 1 && !onPurpose ? prompter.selectable({ x, y }) : null;
      if (hit && "index" in hit) prompter.removePoint(hit.object, hit.index, onPurpose);
      else if (hit?.part === "remove") prompter.removeBox(hit.object, onPurpose);
      else if (select) prompter.select(select);
      else prompter.point({ x, y }, label, onPurpose);
    }
  }
}
