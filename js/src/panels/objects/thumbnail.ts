/** A small picture of an object: its part of the frame. */

import type { MaskRecord } from "../../state/store";

/** Around the mask, as a share of its larger side. */
const MARGIN = 0.12;

/** x, y, width and height of what a mask covers, in pixels; null for an empty one. */
export function boundsOf(
  runs: Uint32Array,
  width: number,
): [number, number, number, number] | null {
  let [left, right, top, bottom] = [width, -1, -1, -1];
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    const end = at + (runs[i] as number);
    if (i % 2 === 1 && end > at) {
      const [first, last] = [Math.floor(at / width), Math.floor((end - 1) / width)];
      if (top < 0) top = first;
      bottom = last;
      // A run over several rows touches both sides.
      left = first === last ? Math.min(left, at % width) : 0;
      right = first === last ? Math.max(right, (end - 1) % width) : width - 1;
    }
    at = end;
  }
  return top < 0 ? null : [left, top, right - left + 1, bottom - top + 1];
}

/** Draw the object's part of a frame; clears where it is not to be seen. */
export function drawThumbnail(
  canvas: HTMLCanvasElement,
  frame: ImageBitmap | undefined,
  mask: MaskRecord | undefined,
  width: number,
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const ratio = window.devicePixelRatio || 1;
  const side = Math.round((canvas.clientWidth || 24) * ratio);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  context.clearRect(0, 0, side, side);
  const bounds = frame && mask ? boundsOf(mask.runs, width) : null;
  if (!frame || !bounds) return;
  const [x, y, w, h] = bounds;
  const square = Math.max(w, h) * (1 + 2 * MARGIN);
  const scale = frame.width / width;
  context.drawImage(
    frame,
    (x + w / 2 - square / 2) * scale,
    (y + h / 2 - square / 2) * scale,
    square * scale,
    square * scale,
    0,
    0,
    side,
    side,
  );
}
