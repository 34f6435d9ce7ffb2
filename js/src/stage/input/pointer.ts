/** Mouse, pen and finger on the stage: which gesture a press begins, and what lies under. */

import type { Zoom } from "../../state/stage-state";
import { take } from "../../ui/controls";
import { on } from "../../ui/dom";
import type { Proposals } from "../candidates/proposals";
import type { Hot } from "../draw/prompt-layer";
import type { StrokeScene } from "../draw/stroke-layer";
import type { ViewTransform } from "../view-transform";
import type { Place } from "../viewport";
import { brush, editBox, type Gesture, movePoint, pointOrBox, resizeBrush } from "./gesture";
import type { Lasso } from "./lasso";
import { LongPress } from "./long-press";
import type { Navigation } from "./navigation";
import { FINGER_REACH, type Meaning, type Prompter, type PromptHit, REACH } from "./prompter";

/** Two presses within this time and distance are a double-click. */
const DOUBLE_MS = 500;
const DOUBLE_DISTANCE = 8;
/** Half of the minus in the eraser's outline. */
const MINUS = 4;

export class PointerInput {
  /** Where the pointer is; null when it is elsewhere, or a finger that was lifted. */
  place: Place | null = null;
  private hovered: PromptHit | null = null;
  private gesture: Gesture | null = null;
  private readonly pressed = new Map<number, Place>();
  private readonly longPress = new LongPress();
  private lastPress: (Place & { at: number; button: number; zoom: Zoom }) | null = null;
  private readonly canvas: HTMLCanvasElement;

  constructor(
    private readonly prompter: Prompter,
    private readonly navigation: Navigation,
    private readonly lasso: Lasso,
    private readonly proposals: Proposals,
    private readonly redraw: () => void,
  ) {
    const { canvas } = prompter.viewport;
    this.canvas = canvas;
    on(canvas, "pointerdown", (event) => this.down(event));
    on(canvas, "pointermove", (event) => this.move(event));
    on(canvas, "pointerup", (event) => this.up(event));
    on(canvas, "pointercancel", (event) => this.lost(event));
    on(canvas, "pointerleave", () => this.leave());
    on(canvas, "contextmenu", (event) => {
      take(event); // the notebook has a menu of its own
    });
  }

  /** What a press would take, or has. */
  get hot(): Hot | null {
    if (this.gesture) return this.gesture.hit ? { hit: this.gesture.hit, held: true } : null;
    return this.hovered && { hit: this.hovered, held: false };
  }

  get busy(): boolean {
    return this.gesture !== null;
  }

  cancel(): void {
    this.longPress.end();
    this.gesture?.cancel?.();
    this.gesture = null;
    this.navigation.panned();
    this.redraw();
  }

  draw(context: CanvasRenderingContext2D, transform: ViewTransform, scene: StrokeScene): void {
    this.gesture?.draw?.(context, transform, scene);
    this.lasso.draw(context, transform, scene, this.pressed.size ? null : this.place);
  }

  /** The brush's outline in true size, where its centre is. */
  drawCursor(context: CanvasRenderingContext2D, transform: ViewTransform): void {
    const { tool, brush: radius } = this.prompter.store.state;
    const at = this.gesture?.at ?? this.place;
    if (!at || this.navigation.hand || (tool !== "brush" && tool !== "eraser")) return;
    const isEraser = tool === "eraser";
    for (const [width, style] of [
      [3, "rgba(0, 0, 0, 0.5)"],
      [1.5, "#ffffff"],
    ] as const) {
      context.beginPath();
      context.arc(at.x, at.y, Math.max(1.5, radius * transform.scale), 0, 2 * Math.PI);
      if (isEraser) {
        context.moveTo(at.x - MINUS, at.y);
        context.lineTo(at.x + MINUS, at.y);
      }
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  }

  private down(event: PointerEvent): void {
    if (event.button > 2) return;
    const place = this.placeOf(event);
    this.pressed.set(event.pointerId, place);
    if (this.pressed.size > 1) {
      this.cancel(); // a second finger: no prompt was meant
      this.pinch();
      return;
    }
    this.canvas.setPointerCapture?.(event.pointerId);
    this.prompter.client.hovering.forget();
    this.place = place;
    if (event.button === 1) event.preventDefault(); // or the browser scrolls by itself
    const { zoom } = this.prompter.store.state;
    const button = this.navigation.hand ? 1 : event.button; // the hand is a middle button
    const press = { ...place, at: event.timeStamp, button, zoom };
    const double = this.repeats(press);
    this.lastPress = double ? null : press;
    this.gesture = this.begin(event, place, double);
    this.redraw();
  }

  private begin(event: PointerEvent, place: Place, double: boolean): Gesture | null {
    const { prompter, lasso, navigation } = this;
    const { tool } = prompter.store.state;
    if (event.button === 1 || navigation.hand) {
      if (double) prompter.viewport.fit();
      return { ...navigation.pan(place), release: () => {} };
    }
    const against = event.button === 2 || event.shiftKey;
    switch (tool) {
      case "brush":
      case "eraser":
        if (event.altKey) return resizeBrush(prompter, place);
        return brush(prompter, place, against || tool === "eraser");
      case "polygon":
        if (double && lasso.open) {
          lasso.close();
          return null;
        }
        return lasso.press(place, against);
      case "everything":
        if (double && prompter.viewport.zoomed) prompter.viewport.fit();
        else this.proposals.toggleAt(place);
        return null;
    }
    if (double && prompter.viewport.zoomed) {
      prompter.takeBack();
      prompter.viewport.fit();
      return null;
    }
    const label = against || tool === "negative" ? 0 : 1;
    const isTouch = event.pointerType === "touch";
    const onPurpose = event.altKey;
    const hit = prompter.hit(place, isTouch ? FINGER_REACH : REACH);
    if (hit && "index" in hit) return movePoint(prompter, place, hit, onPurpose);
    if (hit) return editBox(prompter, place, hit, label, onPurpose);
    const select = label === 1 && !onPurpose ? prompter.selectable(place) : null;
    if (isTouch) this.longPress.begin(place, () => this.held(place, select ? 1 : 0));
    return pointOrBox(prompter, place, label, { select, onPurpose });
  }

  /** A finger stayed on a place: it is not part of the object, as with the right button; or where
   * a tap would select another object, it is part of this one, as with Alt. */
  private held(place: Place, label: 0 | 1): void {
    if (!this.gesture) return;
    this.cancel();
    this.prompter.point(place, label);
    this.redraw();
  }

  private move(event: PointerEvent): void {
    const place = this.placeOf(event);
    this.place = event.pointerType === "touch" && !this.pressed.size ? null : place;
    if (this.pressed.has(event.pointerId)) this.pressed.set(event.pointerId, place);
    this.longPress.move(place);
    if (this.pressed.size > 1) this.pinch();
    else if (this.gesture) {
      // All that the device saw since the last event, so that fast strokes stay round.
      const seen = event.getCoalescedEvents?.() ?? [];
      for (const one of seen.length ? seen : [event]) this.gesture.move(this.placeOf(one));
    } else if (!this.pressed.size && event.pointerType !== "touch") this.hover(place);
    this.redraw();
  }

  private up(event: PointerEvent): void {
    const known = this.pressed.delete(event.pointerId);
    this.longPress.end();
    this.navigation.pinched();
    const { gesture } = this;
    if (!known || !gesture) return;
    this.gesture = null;
    gesture.release();
    this.navigation.panned();
    if (event.pointerType === "touch") this.place = null;
    else this.showHit(this.place && this.hitAt(this.place));
    this.redraw();
  }

  private lost(event: PointerEvent): void {
    this.pressed.delete(event.pointerId);
    this.navigation.pinched();
    this.cancel();
  }

  private leave(): void {
    this.prompter.store.set("hoveredObject", null);
    if (this.gesture) return;
    this.place = null;
    this.showHit(null);
    this.proposals.hover(null);
    this.prompter.client.hovering.forget();
    this.redraw();
  }

  private pinch(): void {
    const [a, b] = [...this.pressed.values()];
    if (a && b) this.navigation.pinch(a, b);
  }

  private hover(place: Place): void {
    const { prompter } = this;
    const { tool, status } = prompter.store.state;
    const { hovering } = prompter.client;
    this.showHit(this.hitAt(place));
    this.proposals.hover(tool === "everything" ? place : null);
    const object = this.isPointing ? prompter.objectAt(place) : null;
    prompter.store.set("hoveredObject", object?.id ?? null);
    const means =
      (tool === "positive" || tool === "box") &&
      !this.hovered &&
      !prompter.selectable(place) &&
      !this.navigation.hand &&
      status.state !== "loading" &&
      prompter.viewport.holds(place);
    if (!hovering.on || !means) {
      hovering.forget();
      return;
    }
    const [x, y] = prompter.viewport.toImage(place);
    hovering.over({ ...prompter.target(), x, y }, REACH / prompter.viewport.transform.scale);
  }

  /** Whether a press means a point or a box. */
  private get isPointing(): boolean {
    const { tool } = this.prompter.store.state;
    const points = tool === "positive" || tool === "negative" || tool === "box";
    return points && !this.navigation.hand;
  }

  /** Where a click would do something else than put a point, and what; null where it would not. */
  get meaning(): (Meaning & { at: Place }) | null {
    const { place } = this;
    if (!place || this.gesture || this.hovered || !this.isPointing) return null;
    const { tool } = this.prompter.store.state;
    const meaning = this.prompter.meaning(place, tool !== "negative");
    return meaning && { ...meaning, at: place };
  }

  private hitAt(place: Place): PromptHit | null {
    return this.isPointing ? this.prompter.hit(place, REACH) : null;
  }

  private showHit(hit: PromptHit | null): void {
    this.hovered = hit;
    this.canvas.style.cursor = hit ? cursorOf(hit) : "";
  }

  /** Whether a press is the second of a double-click: quick, and the same again. */
  private repeats(press: NonNullable<PointerInput["lastPress"]>): boolean {
    const { lastPress } = this;
    return (
      lastPress !== null &&
      press.at - lastPress.at < DOUBLE_MS &&
      press.button === lastPress.button &&
      press.zoom === lastPress.zoom &&
      Math.hypot(press.x - lastPress.x, press.y - lastPress.y) <= DOUBLE_DISTANCE
    );
  }

  private placeOf(event: PointerEvent): Place {
    const bounds = this.canvas.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  }
}

function cursorOf(hit: PromptHit): string {
  if ("index" in hit || hit.part === "remove") return "pointer";
  if (hit.part === "line") return "move";
  const { x, y } = hit.part;
  if (x === 0) return "ns-resize";
  if (y === 0) return "ew-resize";
  return x === y ? "nwse-resize" : "nesw-resize";
}
