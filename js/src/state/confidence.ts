/** Bytes of a confidence message: 0 is no mask, 1 an absent object, 2..255 a confidence of 0..1. */

export const NONE = 0;
export const ABSENT = 1;

export function isAbsent(byte: number): boolean {
  return byte === ABSENT;
}

/** 0..1, or null where there is no mask or the object is absent. */
export function confidenceOf(byte: number): number | null {
  return byte <= ABSENT ? null : (byte - 2) / 253;
}
