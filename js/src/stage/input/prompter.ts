/** What pointer and crosshair have in common: places on the stage as requests. */

import type { Client } from "../../kernel/client";
import type { BoxPx, PromptsMessage } from "../../kernel/protocol";
import type { ObjectInfo } from "../../kernel/traits";
import { isAccepted } from "../../state/question";
import type { Stroke } from "../../state/stage-state";
import type { Store } from "../../state/store";
import type { Place, Viewport } from "../viewport";
import { objectAt, selectableAt } from "./object-hits";
import { type BoxPart, hitBox, hitPoint } from "./prompt-hits";

/** How near to a point means that point, in CSS pixels: half of what a finger or pointer needs. */
export const REACH = 12;
export const FINGER_REACH = 22;

/** What lies under the pointer: a point, or a part of the box, of the selected object. */
export type PromptHit = { object: number } & ({ index: number } | { part: BoxPart });

/** What a click does but put a point: it selects an object, or asks before it changes one. */
export interface Meaning {
  does: "select" | "ask";
  object: ObjectInfo;
}

/** A point that was just put, or what was selected before, so that the second click of two can
 * take it back. */
type Put = { frame: number; object: number | null; index: number } | { selected: number };

export class Prompter {
  private put: Put | null = null;

  constructor(
    readonly store: Store,
    readonly client: Client,
    readonly viewport: Viewport,
    /** Tells those who cannot see it. */
    private readonly say: (text: string) => void,
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

  /** The object that a click on a place selects in place of putting a point. */
  selectable(place: Place): ObjectInfo | null {
    if (!this.showsMasks(place)) return null;
    return selectableAt(this.store, this.frame, ...this.viewport.toImage(place));
  }

  objectAt(place: Place): ObjectInfo | null {
    if (!this.showsMasks(place)) return null;
    return objectAt(this.store, this.frame, ...this.viewport.toImage(place));
  }

  /** Whether masks are to be seen at a place: it is on the image, and not left of a comparison. */
  private showsMasks(place: Place): boolean {
    const { wipe } = this.store.state.display;
    const [width] = this.viewport.stage;
    return this.viewport.holds(place) && (wipe === null || place.x >= wipe * width);
  }

  /** What a click on a place would do but put a point. */
  meaning(place: Place, isPositive: boolean): Meaning | null {
    const select = isPositive ? this.selectable(place) : null;
    if (select) return { does: "select", object: select };
    const { selectedObject } = this.store;
    if (!selectedObject || !this.viewport.holds(place)) return null;
    const asks = isAccepted(this.store, selectedObject.id, this.frame) && !selectedObject.locked;
    return asks ? { does: "ask", object: selectedObject } : null;
  }

  select({ id, name }: ObjectInfo): void {
    const { selected } = this.store.state;
    this.put = { selected };
    this.store.set("selected", id);
    this.say(`Selected ${name}`);
  }

  point(place: Place, label: 0 | 1, onPurpose = false): void {
    const [x, y] = this.viewport.toImage(place);
    const target = this.target(onPurpose);
    const { frame, object } = target;
    const known = object === null ? 0 : (this.store.promptsOf(object, frame)?.points.length ?? 0);
    const coming = this.store.state.pending.filter(
      (p) => p.point && p.frame === frame && p.object === object,
    ).length;
    const isSent = this.client.prompt({ type: "click", ...target, x, y, label });
    this.put = isSent ? { frame, object, index: known + coming } : null;
  }

  /** Take back what the last click did: a double-click meant something else. */
  takeBack(): void {
    const { put } = this;
    this.put = null;
    this.client.answer(false);
    if (put && "selected" in put) this.store.set("selected", put.selected);
    else if (put && put.object !== null) {
      const { frame, object, index } = put;
      this.client.ask({ type: "remove_point", frame, object, index });
      this.store.dropPoint(object, frame, index);
    }
  }

  removePoint(object: number, index: number, onPurpose = false): void {
    const { frame } = this;
    this.put = null;
    const request = { type: "remove_point", frame, object, index, ...purpose(onPurpose) } as const;
    if (this.client.ask(request)) this.store.dropPoint(object, frame, index);
  }

  /** Whether it was sent, as `Client.ask` has it. */
  movePoint(object: number, index: number, x: number, y: number, onPurpose = false): number {
    const { frame } = this;
    const place = { frame, object, index, x, y };
    return this.client.ask({ type: "move_point", ...place, ...purpose(onPurpose) });
  }

  removeBox(object: number, onPurpose = false): void {
    const { frame } = this;
    if (!this.client.ask({ type: "remove_box", frame, object, ...purpose(onPurpose) })) return;
    const prompts = this.store.promptsOf(object, frame);
    if (prompts) this.store.putPrompts({ ...prompts, box: null });
  }

  /** A box between two corners; one of no size is none. */
  box(a: Place, b: Place, onPurpose = false): void {
    const [ax, ay] = this.viewport.toImage(a);
    const [bx, by] = this.viewport.toImage(b);
    const box: BoxPx = [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
    this.boxPx(box, onPurpose);
  }

  /** Whether it was sent, as `Client.prompt` has it. */
  boxPx([x0, y0, x1, y1]: BoxPx, onPurpose = false): number {
    if (x1 - x0 < 1 || y1 - y0 < 1) return 0;
    return this.client.prompt({ type: "box", ...this.target(onPurpose), x0, y0, x1, y1 });
  }

  paint(stroke: Stroke): void {
    this.client.prompt({ type: "paint", ...this.target(), ...stroke });
  }

  target(onPurpose = false): { frame: number; object: number | null; change_accepted?: true } {
    const object = this.store.selectedObject?.id ?? null;
    return { frame: this.frame, object, ...purpose(onPurpose) };
  }
}

function purpose(on: boolean): { change_accepted?: true } {
  return on ? { change_accepted: true } : {};
}
