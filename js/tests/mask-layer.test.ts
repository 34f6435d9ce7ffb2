import { beforeEach, describe, expect, it, vi } from "vitest";
import type { State as MaskState } from "../src/kernel/protocol";
import type { ObjectInfo } from "../src/kernel/traits";
import { drawMasks, styleOf } from "../src/stage/draw/mask-layer";
import { ViewTransform } from "../src/stage/view-transform";
import { type MaskRecord, Store } from "../src/state/store";
import { FakeHost, objectOf, viewState } from "./fake-host";

vi.stubGlobal(
  "Path2D",
  class {
    moveTo() {}
    lineTo() {}
    closePath() {}
  },
);

/** A context that remembers how everything was filled and stroked, in CSS pixels. */
class Recorder {
  fillStyle: unknown = "";
  strokeStyle: unknown = "";
  globalAlpha = 1;
  lineWidth = 1;
  lineJoin = "";
  fills: [unknown, number][] = [];
  strokes: [unknown, number][] = [];
  dashes: number[][] = [];
  clips = 0;
  canvas = document.createElement("canvas");
  private zoom = 1;

  save() {}
  restore() {
    this.zoom = 1;
  }
  translate() {}
  scale(by: number) {
    this.zoom = by;
  }
  setLineDash(dash: number[]) {
    this.dashes.push(dash.map((length) => length * this.zoom));
  }
  beginPath() {}
  moveTo() {}
  lineTo() {}
  clip() {
    this.clips++;
  }
  fill() {
    this.fills.push([this.fillStyle, this.globalAlpha]);
  }
  stroke() {
    this.strokes.push([this.strokeStyle, Math.round(this.lineWidth * this.zoom * 1e6) / 1e6]);
  }
}

const runs = new Uint32Array([9, 2, 21]);
const mask = (object: number, state: MaskState = "fresh"): [number, MaskRecord] => [
  object,
  { object, state, score: 1, iou: 0.9, source: "track", area: 2, runs: runs.slice() },
];
let store: Store;

beforeEach(() => {
  const host = new FakeHost();
  const second = objectOf(2, "#ff0000");
  host.current.objects = [...host.current.objects, second];
  store = new Store(viewState(host));
});

const draw = (masks: [number, MaskRecord][], scale = 2) => {
  const context = new Recorder();
  const onto = context as unknown as CanvasRenderingContext2D;
  drawMasks(onto, new ViewTransform(scale), [8, 4], store, new Map(masks));
  return context;
};

describe("masks on the stage", () => {
  it("have the opacity that is chosen, the selected one on top", () => {
    store.set("display", { ...store.state.display, opacity: 0.7 });
    expect(draw([mask(1), mask(2)]).fills).toEqual([
      ["#ff0000", 0.7],
      ["#2f7ff5", 0.7],
    ]);
  });

  it("have outlines as wide at any zoom", () => {
    const widths = [0.5, 2, 30].map((scale) => draw([mask(1)], scale).strokes.at(-1));
    expect(widths).toEqual([
      ["#2f7ff5", 2],
      ["#2f7ff5", 2],
      ["#2f7ff5", 2],
    ]);
  });

  it("are those of one object alone, or of all", () => {
    store.set("solo", 2);
    expect(draw([mask(1), mask(2)]).fills).toHaveLength(1);
    store.set("solo", null);
    expect(draw([mask(1), mask(2)]).fills).toHaveLength(2);
  });

  it("without fill or outline have none", () => {
    store.set("display", { ...store.state.display, fill: false });
    expect(draw([mask(1)]).fills).toEqual([]);
    store.set("display", { ...store.state.display, fill: true, outline: false });
    expect(draw([mask(1)]).strokes).toEqual([]);
  });

  it("are told apart by what is said of them, and not by colour alone", () => {
    const [fresh, stale, accepted, rejected] = (
      ["fresh", "stale", "accepted", "rejected"] as const
    ).map((state) => draw([mask(1, state)])) as [Recorder, Recorder, Recorder, Recorder];
    const alpha = ({ fills }: Recorder) => fills[0]?.[1] ?? Number.NaN;
    expect(alpha(stale)).toBeLessThan(alpha(fresh));
    const [object] = store.state.objects as [ObjectInfo];
    const hatched = (["fresh", "stale", "accepted", "rejected"] as const).filter(
      (state) => styleOf(object, state, store.state.display).hatched,
    );
    expect(hatched).toEqual(["stale"]);
    // A light line lies between the halo and the colour of what is accepted.
    expect(fresh.strokes.map(([color]) => color)).toEqual(["#000000", "#2f7ff5"]);
    expect(accepted.strokes.map(([color]) => color)).toEqual(["#000000", "#ffffff", "#2f7ff5"]);
    // What is rejected is struck out, within the mask.
    expect([fresh.clips, stale.clips, accepted.clips, rejected.clips]).toEqual([0, 0, 0, 1]);
    expect(alpha(rejected)).toBeLessThan(alpha(stale));
  });

  it("are dashed as their object is, whatever is said of them", () => {
    const [first] = store.state.objects;
    if (first) store.set("objects", [{ ...first, dash: [9, 4] }]);
    for (const state of ["fresh", "stale", "accepted"] as const)
      expect(draw([mask(1, state)]).dashes).toEqual([[9, 4]]);
    expect(draw([mask(1, "rejected")]).dashes[0]).toEqual([9, 4]);
  });

  it("alone on black are opaque", () => {
    store.set("display", { ...store.state.display, masksOnly: true });
    expect(draw([mask(1)]).fills).toEqual([["#2f7ff5", 1]]);
  });
});
