/** What pointer and crosshair have in common: places on the stage as requests. */

import type { Client } from "../../kernel/client";
import type { BoxPx, PromptsMessage } from "../../kernel/protocol";
import type { Stroke } from "../../state/stage-state";
import type { Store } from "../../state/store";
import type { Place, Viewport } from "../viewport";
import { type BoxPart, hitBox, hitPoint } from "./prompt-hits";

/** How near to a point means that point, in CSS pixels: half of what a finger or pointer needs. */
export const REACH = 12;
export const FINGER_REACH = 22;

/** What lies under the pointer: a point, or a part of the box, of the selected object. */
export type PromptHit = { object: number } & ({ index: number } | { part: BoxPart });

/** A point that was just put, so that the second click of two can take it back. */
interface Put {
  frame: number;
  object: number | null;
  index: number;
}

export class Prompter {
  private put: Put | null = null;

  constructor(
    readonly store: Store,
    readonly client: Client,
    readonly viewport: Viewport,
  ) {}

  /** The frame that is on the stage: what a person sees is what they mean. */
  get frame(): number {
    return this.viewport.shownFrame();
  }

  /** Prompts on the stage that can be changed: those of the selected object. */
  get prompts(): PromptsMessage | undefined {
    const { selected } = this.store.state;
    if (!this.store.shownObjects.some(({ id }) => id === selected)) return undefined;
    return this.store.promptsOf(selected, this.frame);
  }

  hit(place: Place, reach: number): PromptHit | null {
    const { prompts } = this;
    if (!prompts) return null;
    const { transform, stage } = this.viewport;
    const { object } = prompts;
    const index = hitPoint(prompts.points, transform, place, reach);
    if (index !== null) return { object, index };
    const part = prompts.box && hitBox(prompts.box, transform, stage, place, reach);
    return part ? { object, part } : null;
  }

  point(place: Place, label: 0 | 1): void {
    const [x, y] = this.viewport.toImage(place);
    const target = this.target();
    const { frame, object } = target;
    const known = object === null ? 0 : (this.store.promptsOf(object, frame)?.points.length ?? 0);
    const coming = this.store.state.pending.filter(
      (p) => p.point && p.frame === frame && p.object === object,
    ).length;
    this.put = { frame, object, index: known + coming };
    this.client.prompt({ type: "click", ...target, x, y, label });
  }

  /** Take the point that was put last back: a double-click meant something else. */
  takeBack(): void {
    const { put } = this;
    this.put = null;
    if (!put || put.object === null) return;
    this.client.ask({
      type: "remove_point",
      frame: put.frame,
      object: put.object,
      index: put.index,
    });
    this.store.dropPoint(put.object, put.frame, put.index);
  }

  removePoint(object: number, index: number): void {
    const { frame } = this;
    this.put = null;
    this.client.ask({ type: "remove_point", frame, object, index });
    this.store.dropPoint(object, frame, index);
  }

  movePoint(object: number, index: number, x: number, y: number): void {
    this.client.ask({ type: "move_point", frame: this.frame, object, index, x, y });
  }

  removeBox(object: number): void {
    this.client.ask({ type: "remove_box", frame: this.frame, object });
    const prompts = this.store.promptsOf(object, this.frame);
    if (prompts) this.store.putPrompts({ ...prompts, box: null });
  }

  /** A box between two corners; one of no size is none. */
  box(a: Place, b: Place): void {
    const [ax, ay] = this.viewport.toImage(a);
    const [bx, by] = this.viewport.toImage(b);
    this.boxPx([Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)]);
  }

  boxPx([x0, y0, x1, y1]: BoxPx): void {
    if (x1 - x0 < 1 || y1 - y0 < 1) return;
    this.client.prompt({ type: "box", ...this.target(), x0, y0, x1, y1 });
  }

  paint(stroke: Stroke): void {
    this.client.prompt({ type: "paint", ...this.target(), ...stroke });
  }

  target(): { frame: number; object: number | null } {
    return { frame: this.frame, object: this.store.selectedObject?.id ?? null };
  }
}
