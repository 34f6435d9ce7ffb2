/** Parts of a large picture over all of it. */

import type { BoxPx } from "../../kernel/protocol";
import type { Region } from "../../kernel/regions";
import type { ViewTransform } from "../view-transform";

/** Draw those that are seen, in CSS pixels, the finest last. What lies on top, as "x0,y0,x1,y1". */
export function drawRegions(
  context: CanvasRenderingContext2D,
  transform: ViewTransform,
  regions: readonly Region[],
  [x0, y0, x1, y1]: BoxPx,
): string {
  const fineness = ({ box, pixels }: Region) => pixels.width / (box[2] - box[0]);
  const shown = regions
    .filter(({ box }) => box[0] < x1 && box[1] < y1 && box[2] > x0 && box[3] > y0)
    .sort((a, b) => fineness(a) - fineness(b));
  context.imageSmoothingQuality = "low";
  for (const { box, pixels } of shown) {
    const [left, top] = transform.toStage(box[0], box[1]);
    const [right, bottom] = transform.toStage(box[2], box[3]);
    context.drawImage(pixels, left, top, right - left, bottom - top);
  }
  return shown.at(-1)?.box.join() ?? "";
}
