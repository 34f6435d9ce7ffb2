/** Whatever arrives: a message, or a sentence. Nothing else is ever thrown. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRuns, runsToPixels } from "../src/kernel/codecs";
import { ProtocolError, parse } from "../src/kernel/protocol";
import { traceContours } from "../src/stage/draw/contours";

const FOLDER = join(__dirname, "../../tests/fixtures/protocol");
const golden = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json") && !name.startsWith("request-"))
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), "utf8")))
  .map(({ message, buffers = [] }) => ({ message, buffers: buffers.length as number }));

/** Pixels of a small mask, and its run lengths. */
const masks = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
  .chain(([width, height]) =>
    fc
      .array(fc.integer({ min: 0, max: 1 }), {
        minLength: width * height,
        maxLength: width * height,
      })
      .map((pixels) => ({ width, height, pixels })),
  );

function encode(pixels: number[]): Uint32Array {
  const runs = [0];
  let value = 0;
  for (const pixel of pixels) {
    if (pixel !== value) runs.push(0);
    value = pixel;
    runs[runs.length - 1] = (runs.at(-1) as number) + 1;
  }
  return Uint32Array.from(runs);
}

function parsed(content: unknown, buffers: number) {
  try {
    return parse(content, buffers);
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as Error).message).toMatch(/\.$/);
    return null;
  }
}

describe("parse", () => {
  it("takes any content whatever for a message or refuses it", () => {
    fc.assert(fc.property(fc.anything(), fc.nat(3), (content, n) => void parsed(content, n)));
  });

  it("takes a message with any field changed, or refuses it", () => {
    const change = fc.record({
      from: fc.constantFrom(...golden),
      at: fc.nat(),
      value: fc.oneof(fc.jsonValue(), fc.double(), fc.constant(undefined)),
      buffers: fc.option(fc.nat(3)),
    });
    fc.assert(
      fc.property(change, ({ from, at, value, buffers }) => {
        const fields = Object.keys(from.message);
        const name = fields[at % fields.length] as string;
        const count = buffers ?? from.buffers;
        const message = parsed({ ...from.message, [name]: value }, count);
        if (message) expect(parse(structuredClone(message), count)).toEqual(message);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("run lengths", () => {
  it("are the pixels that they were made of", () => {
    fc.assert(
      fc.property(masks, ({ pixels }) => {
        const runs = decodeRuns(encode(pixels).buffer as ArrayBuffer, pixels.length);
        expect([...runsToPixels(runs, pixels.length)]).toEqual(pixels);
      }),
    );
  });

  it("of any bytes cover the frame or are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(64), (bytes, size) => {
        let runs: Uint32Array;
        try {
          runs = decodeRuns(bytes as Uint8Array<ArrayBuffer>, size);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        expect(runsToPixels(runs, size)).toHaveLength(size);
      }),
    );
  });

  it("give contours of at least four corners, inside the frame", () => {
    fc.assert(
      fc.property(masks, ({ width, height, pixels }) => {
        for (const contour of traceContours(encode(pixels), width)) {
          expect(contour.length % 2).toBe(0);
          expect(contour.length).toBeGreaterThanOrEqual(8);
          for (let i = 0; i < contour.length; i += 2) {
            expect(contour[i]).toBeGreaterThanOrEqual(0);
            expect(contour[i]).toBeLessThanOrEqual(width);
            expect(contour[i + 1]).toBeGreaterThanOrEqual(0);
            expect(contour[i + 1]).toBeLessThanOrEqual(height);
          }
        }
      }),
    );
  });
});
