/** Confidence along a lane: never averaged, so that one doubtful frame is seen in thousands. */

import { ABSENT, NONE } from "../../state/confidence";

/**
 * The least certain byte of the frames under each of `pixels` columns, over `length` frames from
 * `start` on; absent only where all that have a mask are absent, 0 where none has one.
 */
export function poolConfidence(
  bytes: Uint8Array,
  pixels: number,
  start = 0,
  length = bytes.length,
): Uint8Array {
  const pooled = new Uint8Array(pixels);
  for (let x = 0; x < pixels; x++) {
    const from = Math.floor(start + (x * length) / pixels);
    const to = Math.max(from + 1, Math.floor(start + ((x + 1) * length) / pixels));
    let least = NONE;
    for (let frame = from; frame < to && frame < bytes.length; frame++) {
      const byte = bytes[frame] as number;
      if (byte === NONE) continue;
      if (least === NONE || least === ABSENT || (byte !== ABSENT && byte < least)) least = byte;
    }
    pooled[x] = least;
  }
  return pooled;
}

/** Opacity of a lane where an object is this certain; absent is another matter. */
export function opacityOf(byte: number): number {
  return byte <= ABSENT ? 0 : 0.25 + (0.65 * (byte - 2)) / 253;
}
