/** Bytes of the kernel as pictures and masks. */

export type Buffer = DataView | ArrayBuffer | Uint8Array;

/** The bytes of a received buffer, without a copy: a DataView may be a window of a larger one. */
export function toBytes(buffer: Buffer): Uint8Array<ArrayBuffer> {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}

/**
 * Run lengths of a mask: row-major, uint32 little-endian, the first run is background.
 *
 * Throws a RangeError when they do not add up to `size` pixels.
 */
export function decodeRuns(buffer: Buffer, size: number): Uint32Array {
  const bytes = toBytes(buffer);
  // A copy of its own: aligned, and the message it came in can be freed. Hosts of browsers are
  // little-endian, all of them.
  const runs = new Uint32Array(bytes.slice(0, bytes.byteLength & ~3).buffer);
  let total = 0;
  for (const run of runs) total += run;
  if (total !== size || bytes.byteLength % 4 !== 0)
    throw new RangeError(`A mask of ${total} pixels came for a frame of ${size}.`);
  return runs;
}

/** A mask of `size` pixels, one byte each, 0 or 1. */
export function runsToPixels(runs: Uint32Array, size: number): Uint8Array {
  const pixels = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    const end = at + (runs[i] as number);
    if (i % 2 === 1) pixels.fill(1, at, end);
    at = end;
  }
  return pixels;
}

export function decodeJpeg(buffer: Buffer): Promise<ImageBitmap> {
  return createImageBitmap(new Blob([toBytes(buffer)], { type: "image/jpeg" }));
}
