/** The pixels of a frame. */

import type { Store } from "../../state/store";
import type { Size, ViewTransform } from "../view-transform";
import { PIXELS_FROM_SCALE } from "./mask-path";

export class FrameLayer {
  /**
   * The frame whose pixels are on the stage. While those of another one are on their way the old
   * ones stay, with their masks and prompts, so that nothing flickers; or, where that takes a
   * while, those of a frame nearby.
   */
  shown: number | null = null;

  constructor(private readonly store: Store) {}

  /** The pixels to show, if there are any; from then on they are what is shown. */
  take(): ImageBitmap | undefined {
    const { frames, onTheWay, state } = this.store;
    if (frames.has(state.frame)) this.shown = state.frame;
    else if (onTheWay?.towards === state.frame && frames.has(onTheWay.frame))
      this.shown = onTheWay.frame;
    const pixels = this.shown === null ? undefined : frames.get(this.shown);
    if (!pixels) this.shown = null;
    return pixels;
  }

  /** Draw in CSS pixels. */
  draw(
    context: CanvasRenderingContext2D,
    transform: ViewTransform,
    [width, height]: Size,
    pixels: ImageBitmap,
  ): void {
    const { offsetX, offsetY, scale } = transform;
    context.imageSmoothingEnabled = scale <= PIXELS_FROM_SCALE;
    // Only what is made smaller gains by it, and a large screen takes several times as long. What
    // is seen for a moment must come soon.
    const shrinks = scale * (window.devicePixelRatio || 1) < 1;
    const passes = pixels.width < width || this.store.moving;
    context.imageSmoothingQuality = shrinks && !passes ? "high" : "low";
    context.drawImage(pixels, offsetX, offsetY, width * scale, height * scale);
  }
}
