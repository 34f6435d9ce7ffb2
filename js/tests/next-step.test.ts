import { describe, expect, it } from "vitest";
import { nextStep, type Situation } from "../src/state/next-step/next-step";
import { placesIn } from "../src/state/next-step/places";
import { duration, megabytes, timeLeft } from "../src/ui/durations";

const FRESH: Situation = {
  ...{ kind: "video", frames: 289, lost: false, recording: false, state: "ready" },
  ...{ everything: false, proposing: false, proposals: 0, marked: 0, empty: [], objects: 0 },
  ...{ choice: false, running: false, ended: null, stale: 0, untracked: 0, unreviewed: 0 },
  ...{ places: 0, offer: null },
};
const CLICKED: Situation = { ...FRESH, objects: 1, untracked: 288 };
const TRACKED: Situation = { ...FRESH, objects: 1, unreviewed: 288 };
const THROUGH = { done: 288, total: 288, elapsed_s: 121 };

/** What is changed of a situation, and what is said then. */
const TABLE: [string, Situation, string, string?][] = [
  ["a new video", FRESH, "Click an object on a frame where it is clear to see"],
  ["a new video without a model", { ...FRESH, state: "loading" }, "once the model is there"],
  ["a new picture", { ...FRESH, kind: "images", frames: 1 }, "press W for everything"],
  ["a dead kernel", { ...CLICKED, lost: true, running: true }, "Run the cell again"],
  ["no model", { ...FRESH, state: "error" }, "Choose another model"],
  ["a search", { ...FRESH, proposing: true }, "Looking for everything"],
  ["proposals", { ...FRESH, everything: true, proposals: 9 }, "Click the masks that you want"],
  [
    "marked proposals",
    { ...FRESH, everything: true, proposals: 9, marked: 2 },
    "Enter makes 2 marked masks objects",
  ],
  ["proposals left alone", { ...CLICKED, proposals: 9 }, "then Propagate (T)"],
  ["a new object", { ...CLICKED, objects: 2, empty: ["Dog"] }, "Click Dog, or drag a box"],
  ["a first click", { ...CLICKED, choice: true }, "Press 1, 2 or 3"],
  ["a prompted video", CLICKED, "then Propagate (T) tracks it"],
  ["a propagation", { ...CLICKED, running: true }, "Escape stops"],
  [
    "a stopped propagation",
    { ...CLICKED, ended: { ...THROUGH, done: 24 }, places: 3 },
    "Stopped at 24 of 288.",
    "Continue",
  ],
  [
    "a propagation with uncertain places",
    { ...TRACKED, ended: THROUGH, places: 7 },
    "Tracked 288 frames in 2 min 1 s · 7 places worth a look",
    "Review",
  ],
  [
    "a propagation of one frame",
    { ...TRACKED, ended: { done: 1, total: 1, elapsed_s: 0.2 }, places: 1 },
    "Tracked 1 frame in 1 s · 1 place worth a look",
    "Review",
  ],
  [
    "a good propagation",
    { ...TRACKED, ended: THROUGH },
    "Tracked 288 frames in 2 min 1 s · nothing looks uncertain",
    "Review",
  ],
  ["uncertain places", { ...TRACKED, places: 1 }, "1 place worth a look.", "Review"],
  ["stale masks", { ...TRACKED, stale: 12 }, "12 masks out of date: Propagate (T)"],
  ["one stale mask", { ...TRACKED, stale: 1 }, "1 mask out of date"],
  ["good masks", TRACKED, "Look through 288 masks with N"],
  ["reviewed masks", { ...FRESH, objects: 2 }, "export the masks"],
  ["prompted pictures", { ...CLICKED, kind: "images", frames: 4 }, "go on to the next picture"],
  ["a live video", { ...CLICKED, recording: true }, "tracked as the frames come"],
  [
    "an unsure mask of the small model",
    { ...CLICKED, offer: { label: "SAM 2.1 tiny", iou: 0.418 }, ended: THROUGH },
    "Only 42 % sure of this mask. SAM 2.1 tiny is better",
    "Use SAM 2.1 tiny",
  ],
];

describe("the next step", () => {
  it.each(TABLE)("of %s", (_, situation, text, label) => {
    const step = nextStep(situation);
    expect(step.text).toContain(text);
    expect(step.label).toBe(label);
    expect(step.action !== undefined).toBe(label !== undefined);
  });

  it("is always one line", () => {
    for (const [, situation] of TABLE) expect(nextStep(situation).text).toMatch(/^.{10,110}$/);
  });
});

describe("places worth a look", () => {
  const bytes = (text: string) =>
    Uint8Array.from(text, (one) => ({ "+": 250, "-": 20, "=": 9 })[one] ?? 0);

  it.each([
    ["++++++++++", []],
    ["+++-++++++", [3]],
    ["---+--++++", [0]], // few others between them
    ["--+=--++++", [3]],
    ["-++++++-=+", [0, 8]],
    ["----------", [0]],
  ])("in %s are %j", (levels, frames) => {
    expect(placesIn(bytes(levels), [[0, levels.length]])).toEqual(frames);
  });

  it("are looked for where a person has not been", () => {
    expect(placesIn(bytes("--++++++--"), [[3, 10]])).toEqual([8]);
  });

  it("are looked for anew only where confidences or spans are others", () => {
    const levels = bytes("--++");
    const tracked: [number, number][] = [[0, 4]];
    expect(placesIn(levels, tracked)).toEqual([0]);
    levels.fill(250); // as nobody does: it shows who looks
    expect(placesIn(levels, tracked)).toEqual([0]);
    expect(placesIn(levels, [[0, 4]])).toEqual([]);
    expect(placesIn(bytes("--++"), tracked)).toEqual([0]);
  });

  it("are not where an object is judged absent, or there is no mask", () => {
    expect(placesIn(Uint8Array.of(0, 1, 1, 0), [[0, 4]])).toEqual([]);
  });
});

describe("times", () => {
  it.each([
    [0.2, "1 s"],
    [7, "7 s"],
    [31.4, "35 s"],
    [57, "1 min"],
    [61, "1 min 10 s"],
    [294, "5 min"],
    [700, "12 min"],
    [3700, "1 h 5 min"],
  ])("%d seconds are left as %s", (seconds, text) => {
    expect(timeLeft(seconds)).toBe(text);
  });

  it("that have passed are exact, and sizes are short", () => {
    expect([0.4, 59.6, 120, 3725].map(duration)).toEqual(["0 s", "1 min", "2 min", "1 h 2 min"]);
    expect([4_400_000, 156_000_000].map(megabytes)).toEqual(["4.4 MB", "156 MB"]);
  });
});
