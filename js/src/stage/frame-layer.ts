/** The pixels of a frame. */

import type { Store } from "../store";
import type { ViewTransform } from "./view-transform";

export class FrameLayer {
  /**
   * The frame whose pixels are on the stage. While those of another one are on their way the old
   * ones stay, with their masks and prompts, so that nothing flickers.
   */
  shown: number | null = null;

  constructor(private readonly store: Store) {}

  /** Draw in CSS pixels; true when there was something to draw. */
  draw(context: CanvasRenderingContext2D, transform: ViewTransform): boolean {
    const { frame, video } = this.store.state;
    if (this.store.frames.has(frame)) this.shown = frame;
    const pixels = this.shown === null ? undefined : this.store.frames.get(this.shown);
    if (!pixels) {
      this.shown = null;
      return false;
    }
    const { offsetX, offsetY, scale } = transform;
    context.imageSmoothingQuality = "high";
    context.drawImage(pixels, offsetX, offsetY, video.width * scale, video.height * scale);
    return true;
  }
}
