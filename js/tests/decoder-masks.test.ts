/** What the second bundle makes of bytes and of the decoder's outputs. */

import { expect, test } from "vitest";
import { choose, toRuns, unpack } from "../decoder/src/masks";
import { runsToPixels } from "../src/kernel/codecs";

test("features are their bytes times the scale of their channel", () => {
  const bytes = new Uint8Array(3 + 2 * 4 + 2 * 2);
  bytes.set(new Uint8Array(Float32Array.of(0.5, 2).buffer), 3);
  bytes.set(new Uint8Array(Int8Array.of(-127, 4, 1, 127).buffer), 11);
  expect([...unpack(bytes.buffer, 3, 2, 2)]).toEqual([-63.5, 2, 2, 254]);
});

test("a single click takes the best candidate, more take the single mask unless it is unstable", () => {
  const ious = Float32Array.of(0.9, 0.2, 0.7, 0.5);
  const [sure, unsure] = [Float32Array.of(5, 5, -5, -5), Float32Array.of(5, 0.01, -0.01, -5)];
  expect(choose(sure, ious, { cells: 4, ambiguous: true })[0]).toBe(2);
  expect(choose(sure, ious, { cells: 4, ambiguous: false })[0]).toBe(0);
  expect(choose(unsure, ious, { cells: 4, ambiguous: false })).toEqual([2, ious[2]]);
});

test("logits are resized between the centres of cells, and cut at 0", () => {
  const size = 6 * 4;
  const logits = Float32Array.of(-1, 3, -1, 3);
  const pixels = runsToPixels(toRuns(logits, 2, 6, 4), size);
  // Along x the logit is -1 at 1.5 and 3 at 4.5: above 0 from 2.25 on.
  for (let i = 0; i < size; i++) expect(pixels[i]).toBe((i % 6) + 0.5 > 2.25 ? 1 : 0);
});

test("rows of one kind and rows of both make runs that cover the frame", () => {
  const logits = Float32Array.from({ length: 64 }, (_, i) => (i % 8 > 2 && i > 20 ? 1 : -1));
  const runs = toRuns(logits, 8, 31, 17);
  expect(runs.reduce((a, b) => a + b, 0)).toBe(31 * 17);
  expect([...runs.subarray(1, -1)].every((run) => run > 0)).toBe(true);
  expect(toRuns(logits.fill(-1), 8, 31, 17)).toEqual(Uint32Array.of(31 * 17));
  expect(toRuns(logits.fill(1), 8, 31, 17)).toEqual(Uint32Array.of(0, 31 * 17));
});
