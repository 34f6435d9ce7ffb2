import { describe, expect, it } from "vitest";
import { decodeRuns, runsToPixels, toBytes } from "../src/codecs";
import { paintMasks } from "../src/stage/mask-layer";

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
    expect([...decodeRuns(new DataView(bytes.buffer, 1, 8))]).toEqual([258, 3]);
  });

  it("begin with background", () => {
    expect([...runsToPixels(Uint32Array.from([2, 3, 1]), 6)]).toEqual([0, 0, 1, 1, 1, 0]);
    expect([...runsToPixels(Uint32Array.from([0, 2]), 2)]).toEqual([1, 1]);
  });
});

describe("paintMasks", () => {
  it("fills the inside and outlines the rim", () => {
    const rgba = new Uint32Array(25);
    const runs = Uint32Array.from([6, 3, 2, 3, 2, 3, 6]); // 3 x 3 in the middle of 5 x 5
    paintMasks(rgba, 5, 5, [{ runs, color: "#ff8000" }]);
    expect(rgba[12]).toBe(((110 << 24) | (0x00 << 16) | (0x80 << 8) | 0xff) >>> 0);
    expect((rgba[6] ?? 0) >>> 24).toBe(255);
    expect(rgba[0]).toBe(0);
  });
});
