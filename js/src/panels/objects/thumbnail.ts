/** A small picture of an object: its part of the frame. */

import { boundsOf } from "../../state/stage-state";
import type { MaskRecord } from "../../state/store";
import { cleared } from "../../ui/canvas";

/** Around the mask, as a share of its larger side. */
const MARGIN = 0.12;

/** Draw the object's part of a frame; clears where it is not to be seen. */
export function drawThumbnail(
  canvas: HTMLCanvasElement,
  frame: ImageBitmap | undefined,
  mask: MaskRecord | undefined,
  width: number,
): void {
  const side = canvas.clientWidth || 24;
  const context = cleared(canvas, side, side);
  if (!context) return;
  const bounds = frame && mask ? boundsOf(mask.runs, width) : null;
  if (!frame || !bounds) return;
  const [left, top, right, bottom] = bounds;
  const square = Math.max(right - left, bottom - top) * (1 + 2 * MARGIN);
  const scale = frame.width / width;
  context.drawImage(
    frame,
    ((left + right - square) / 2) * scale,
    ((top + bottom - square) / 2) * scale,
    square * scale,
    square * scale,
    0,
    0,
    side,
    side,
  );
}
