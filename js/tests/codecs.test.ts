import { describe, expect, it } from "vitest";
import { decodeRuns, runsToPixels, toBytes } from "../src/kernel/codecs";
import { traceContours } from "../src/stage/draw/contours";

describe("toBytes", () => {
  it("keeps to the window of a DataView", () => {
    const bytes = Uint8Array.from([9, 9, 1, 2, 3, 9]);
    expect([...toBytes(new DataView(bytes.buffer, 2, 3))]).toEqual([1, 2, 3]);
  });
});

describe("runs", () => {
  it("decode little-endian at any offset", () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setUint32(1, 258, true);
    new DataView(bytes.buffer).setUint32(5, 3, true);
    expect([...decodeRuns(new DataView(bytes.buffer, 1, 8), 261)]).toEqual([258, 3]);
  });

  it("must cover the frame", () => {
    expect(() => decodeRuns(new Uint32Array([2, 3]).buffer, 6)).toThrow(/5 pixels.*frame of 6/);
  });

  it("begin with background", () => {
    expect([...runsToPixels(Uint32Array.from([2, 3, 1]), 6)]).toEqual([0, 0, 1, 1, 1, 0]);
    expect([...runsToPixels(Uint32Array.from([0, 2]), 2)]).toEqual([1, 1]);
  });
});

describe("traceContours", () => {
  /** Even-odd: how often a ray to the left crosses the contours. */
  const isInside = (contours: number[][], x: number, y: number) => {
    let crossings = 0;
    for (const contour of contours)
      for (let i = 0; i < contour.length; i += 2) {
        const [ax, ay] = contour.slice(i, i + 2) as [number, number];
        const [bx, by] = [contour[(i + 2) % contour.length], contour[(i + 3) % contour.length]] as [
          number,
          number,
        ];
        if (ay > y !== by > y && ax + ((y - ay) / (by - ay)) * (bx - ax) < x) crossings++;
      }
    return crossings % 2 === 1;
  };
  const encode = (pixels: boolean[]) => {
    const lengths = [0];
    let value = false;
    for (const pixel of pixels) {
      if (pixel !== value) lengths.push(0);
      value = pixel;
      lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + 1;
    }
    return Uint32Array.from(lengths);
  };

  it("joins the middles of pixel borders, without those in between on a straight line", () => {
    const runs = Uint32Array.from([6, 3, 2, 3, 2, 3, 6]); // 3 x 3 in the middle of 5 x 5
    const [contour, ...others] = traceContours(runs, 5);
    expect(others).toEqual([]);
    const points = Array.from({ length: 8 }, (_, i) => contour?.slice(2 * i, 2 * i + 2).join());
    expect(contour).toHaveLength(16);
    expect(points.sort()).toEqual(
      ["1.5,1", "3.5,1", "4,1.5", "4,3.5", "3.5,4", "1.5,4", "1,3.5", "1,1.5"].sort(),
    );
  });

  it("goes around holes and along the rim of the frame", () => {
    const runs = encode(Array.from({ length: 25 }, (_, p) => p !== 12)); // all but the middle
    const contours = traceContours(runs, 5);
    expect(contours).toHaveLength(2);
    expect(isInside(contours, 2.5, 2.5)).toBe(false);
    expect(isInside(contours, 0.5, 2.5)).toBe(true);
  });

  it("has the middle of each pixel on its side, whatever the mask", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    for (let trial = 0; trial < 40; trial++) {
      const [width, height] = [2 + Math.floor(random() * 9), 2 + Math.floor(random() * 9)];
      const pixels = Array.from({ length: width * height }, () => random() < 0.5);
      const contours = traceContours(encode(pixels), width);
      const traced = pixels.map((_, p) =>
        isInside(contours, (p % width) + 0.501, Math.floor(p / width) + 0.501),
      );
      expect(traced).toEqual(pixels);
    }
  });
});
