/** Bytes of the kernel as pictures and masks. */

export type Buffer = DataView | ArrayBuffer | Uint8Array;

/** The bytes of a received buffer, without a copy: a DataView may be a window of a larger one. */
export function toBytes(buffer: Buffer): Uint8Array {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** Run lengths of a mask: row-major, uint32 little-endian, the first run is background. */
export function decodeRuns(buffer: Buffer): Uint32Array {
  const bytes = toBytes(buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getUint32(4 * i, true));
}

/** A mask of `size` pixels, one byte each, 0 or 1. */
export function runsToPixels(runs: Uint32Array, size: number): Uint8Array {
  const pixels = new Uint8Array(size);
  let at = 0;
  runs.forEach((length, i) => {
    if (i % 2 === 1) pixels.fill(1, at, at + length);
    at += length;
  });
  return pixels;
}

export function decodeJpeg(buffer: Buffer): Promise<ImageBitmap> {
  return createImageBitmap(new Blob([toBytes(buffer) as BlobPart], { type: "image/jpeg" }));
}
