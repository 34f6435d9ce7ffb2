/** The pixels of a frame. */

import type { Store } from "../store";
import { PIXELS_FROM_SCALE } from "./mask-path";
import type { Size, ViewTransform } from "./view-transform";

export class FrameLayer {
  /**
   * The frame whose pixels are on the stage. While those of another one are on their way the old
   * ones stay, with their masks and prompts, so that nothing flickers.
   */
  shown: number | null = null;

  constructor(private readonly store: Store) {}

  /** The pixels to show, if there are any; from then on they are what is shown. */
  take(): ImageBitmap | undefined {
    const { frame } = this.store.state;
    if (this.store.frames.has(frame)) this.shown = frame;
    const pixels = this.shown === null ? undefined : this.store.frames.get(this.shown);
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
    // Only what is made smaller gains by it, and a large screen takes several times as long.
    const shrinks = scale * (window.devicePixelRatio || 1) < 1;
    context.imageSmoothingQuality = shrinks ? "high" : "low";
    context.drawImage(pixels, offsetX, offsetY, width * scale, height * scale);
  }
}
