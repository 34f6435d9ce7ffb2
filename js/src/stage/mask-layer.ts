/** The masks of one frame, tinted and outlined. Colour and visibility never leave the browser. */

import type { ObjectInfo, Video } from "../protocol";
import type { MaskRecord } from "../store";
import { traceContours } from "./contours";
import type { ViewTransform } from "./view-transform";

/** What a correction made out of date, or a person said is wrong, is paler and dashed. */
const FILL_ALPHA = { fresh: 0.38, accepted: 0.38, stale: 0.18, rejected: 0.06 };
const OUTLINE_WIDTH = 2;
const HALO_WIDTH = 4;

export class MaskLayer {
  // Paths live as long as the cached masks they belong to.
  private readonly paths = new WeakMap<MaskRecord, Path2D>();

  /** Draw in CSS pixels; objects later in the list lie on top, the selected one above all. */
  draw(
    context: CanvasRenderingContext2D,
    transform: ViewTransform,
    video: Video,
    objects: ObjectInfo[],
    selected: number,
    masks: Map<number, MaskRecord>,
  ): void {
    const ordered = [...objects].sort((a, b) => +(a.id === selected) - +(b.id === selected));
    for (const object of ordered) {
      const mask = masks.get(object.id);
      if (!object.visible || !mask || mask.area === 0) continue;
      context.save();
      context.translate(transform.offsetX, transform.offsetY);
      context.scale(transform.scale, transform.scale);
      this.drawMask(context, this.path(mask, video), mask, object.color, 1 / transform.scale);
      context.restore();
    }
  }

  private drawMask(
    context: CanvasRenderingContext2D,
    path: Path2D,
    mask: MaskRecord,
    color: string,
    cssPixel: number,
  ): void {
    context.fillStyle = color;
    context.globalAlpha = FILL_ALPHA[mask.state];
    context.fill(path, "evenodd");
    context.lineJoin = "round";
    context.globalAlpha = 0.35;
    context.lineWidth = HALO_WIDTH * cssPixel;
    context.strokeStyle = "#000000";
    context.stroke(path);
    context.globalAlpha = 1;
    context.lineWidth = OUTLINE_WIDTH * cssPixel;
    context.strokeStyle = color;
    if (mask.state === "stale" || mask.state === "rejected")
      context.setLineDash([5 * cssPixel, 4 * cssPixel]);
    context.stroke(path);
  }

  private path(mask: MaskRecord, video: Video): Path2D {
    let path = this.paths.get(mask);
    if (!path) {
      path = new Path2D();
      for (const contour of traceContours(mask.runs, video.width, video.height)) {
        path.moveTo(contour[0] as number, contour[1] as number);
        for (let i = 2; i < contour.length; i += 2)
          path.lineTo(contour[i] as number, contour[i + 1] as number);
        path.closePath();
      }
      this.paths.set(mask, path);
    }
    return path;
  }
}
