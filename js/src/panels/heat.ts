/** Certainty along a lane: never averaged, so that one doubtful frame is seen in thousands. */

/** As `CertaintyMessage` has them. */
const NONE = 0;
const ABSENT = 1;

/**
 * The least certain byte of the frames under each of `pixels` columns; absent only where all
 * that have a mask are absent, 0 where none has one.
 */
export function poolCertainty(bytes: Uint8Array, pixels: number): Uint8Array {
  const pooled = new Uint8Array(pixels);
  const frames = bytes.length;
  for (let x = 0; x < pixels; x++) {
    const from = Math.floor((x * frames) / pixels);
    const to = Math.max(from + 1, Math.floor(((x + 1) * frames) / pixels));
    let least = NONE;
    for (let frame = from; frame < to && frame < frames; frame++) {
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

export function isAbsent(byte: number): boolean {
  return byte === ABSENT;
}
