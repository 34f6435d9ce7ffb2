import { beforeEach, describe, expect, it, vi } from "vitest";
import type { State as MaskState } from "../src/kernel/protocol";
import { drawMasks } from "../src/stage/draw/mask-layer";
import { ViewTransform } from "../src/stage/view-transform";
import { type MaskRecord, Store } from "../src/state/store";
import { FakeHost, viewState } from "./fake-host";

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
  const second = {
    id: 2,
    name: "Object 2",
    color: "#ff0000",
    visible: true,
    locked: false,
    class_name: "",
    attributes: {},
  };
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

  it("are paler and dashed when stale, and dim when rejected", () => {
    const [fresh, stale, rejected] = (["fresh", "stale", "rejected"] as const).map((state) =>
      draw([mask(1, state)]),
    );
    const alpha = (context: Recorder | undefined) => context?.fills[0]?.[1] ?? Number.NaN;
    expect(alpha(stale)).toBeLessThan(alpha(fresh));
    expect(stale?.dashes).toEqual([[5, 4]]);
    expect(rejected?.strokes).toHaveLength(1);
    expect(rejected?.globalAlpha).toBeLessThan(1);
  });

  it("alone on black are opaque", () => {
    store.set("display", { ...store.state.display, masksOnly: true });
    expect(draw([mask(1)]).fills).toEqual([["#2f7ff5", 1]]);
  });
});
