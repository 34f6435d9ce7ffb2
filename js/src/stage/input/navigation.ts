/** Zooming and panning: wheel, trackpad, two fingers, middle button, space bar. */

import { take } from "../../ui/controls";
import { on } from "../../ui/dom";
import type { Place, Viewport } from "../viewport";

/** Change of the zoom by 100 CSS pixels of a wheel, or 10 of a pinched trackpad. */
const WHEEL_ZOOM = 1.25;
const PINCH_ZOOM = 1.12;
const LINE_PX = 33;
/** A wheel that turns on after the image fits again does not begin to scroll the page. */
const AFTERGLOW_MS = 400;
const NOTCH = 120;

export class Navigation {
  /** Whether the space bar makes every button move the image. */
  hand = false;
  private usedHand = false;
  private tapping = false;
  private zoomedAt = Number.NEGATIVE_INFINITY;
  private fingers: [Place, Place] | null = null;

  constructor(private readonly viewport: Viewport) {
    const { canvas } = viewport;
    on(canvas, "wheel", (event) => this.wheel(event), { passive: false });
    on(canvas, "keydown", (event) => this.keyDown(event));
    on(canvas, "keyup", (event) => this.keyUp(event));
    on(canvas, "blur", () => this.setHand(false));
  }

  /** The image goes with the pointer until the button is released. */
  pan(from: Place): { move(place: Place): void } {
    let before = from;
    const { canvas } = this.viewport;
    this.usedHand = true;
    canvas.classList.add("s2w-panning");
    return {
      move: (place) => {
        this.viewport.panBy(place.x - before.x, place.y - before.y);
        before = place;
      },
    };
  }

  panned(): void {
    this.viewport.canvas.classList.remove("s2w-panning");
  }

  /** Where two fingers are now: the image stays under both. */
  pinch(a: Place, b: Place): void {
    if (this.fingers) {
      const [c, d] = this.fingers;
      const before = { x: (c.x + d.x) / 2, y: (c.y + d.y) / 2 };
      const by = Math.hypot(a.x - b.x, a.y - b.y) / Math.max(1, Math.hypot(c.x - d.x, c.y - d.y));
      this.viewport.zoomBy(by, before); // first: there may be nothing to pan until it has zoomed
      this.viewport.panBy((a.x + b.x) / 2 - before.x, (a.y + b.y) / 2 - before.y);
    }
    this.fingers = [a, b];
  }

  pinched(): void {
    this.fingers = null;
  }

  /**
   * Pinching a trackpad, or a wheel with Ctrl, always zooms. A plain wheel is the page's until the
   * stage has the focus; then a mouse's zooms and a trackpad's moves the image.
   */
  private wheel(event: WheelEvent): void {
    const { canvas } = this.viewport;
    // The mode is read first: Firefox then gives lines for a wheel and pixels for a trackpad.
    const unit = event.deltaMode === 0 ? 1 : LINE_PX;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const forced = event.ctrlKey || event.metaKey;
    if (!forced && canvas.ownerDocument.activeElement !== canvas) return;
    if (forced || isWheel(event)) {
      const { zoomed } = this.viewport;
      const notch = isWheel(event);
      const by = (notch ? WHEEL_ZOOM : PINCH_ZOOM) ** (-(dy || dx) / (notch ? 100 : 10));
      const still = !zoomed && by < 1 && performance.now() - this.zoomedAt > AFTERGLOW_MS;
      if (still && !forced) return;
      const bounds = canvas.getBoundingClientRect();
      this.viewport.zoomBy(by, { x: event.clientX - bounds.left, y: event.clientY - bounds.top });
      if (zoomed) this.zoomedAt = performance.now();
    } else if (this.viewport.zoomed) this.viewport.panBy(-dx, -dy);
    else return;
    take(event);
  }

  /** While there is something to pan, a held space bar is a hand, and a tapped one is passed on. */
  private keyDown(event: KeyboardEvent): void {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (event.key !== " " || !plain || this.tapping) return;
    if (!this.hand && !this.viewport.zoomed) return;
    if (!this.hand) this.usedHand = false;
    this.setHand(true);
    take(event);
  }

  private keyUp(event: KeyboardEvent): void {
    if (event.key !== " " || !this.hand) return;
    this.setHand(false);
    event.preventDefault();
    if (this.usedHand) return;
    this.tapping = true;
    const init = { key: " ", code: "Space", bubbles: true, cancelable: true };
    this.viewport.canvas.dispatchEvent(new KeyboardEvent("keydown", init));
    this.tapping = false;
  }

  private setHand(on: boolean): void {
    this.hand = on;
    this.viewport.canvas.classList.toggle("s2w-hand", on);
  }
}

/** Whether a mouse's wheel turned: it goes in notches and in one direction. */
function isWheel(event: WheelEvent): boolean {
  if (event.deltaMode !== 0) return true;
  const notches = (event as WheelEvent & { wheelDeltaY?: number }).wheelDeltaY;
  if (notches === undefined) return event.deltaX === 0 && Math.abs(event.deltaY) >= 50;
  return event.deltaX === 0 && notches !== 0 && notches % NOTCH === 0;
}
