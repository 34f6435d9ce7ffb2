/** What is on the picture: objects selected by a click, accepted masks protected, names, scale. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { standApart } from "../src/stage/candidates/placing";
import { areaText, roundLength } from "../src/state/units";
import { objectOf, settle } from "./fake-host";
import { Mounted, type XY } from "./mounted";

const LEFT = new Uint32Array([0, 4, 4, 4, 4, 4, 4, 4, 4]); // columns 0 to 3 of 8 x 4
const RIGHT = new Uint32Array([4, 4, 4, 4, 4, 4, 4, 4]); // columns 4 to 7
const ON_LEFT: XY = [15, 15];
const ON_RIGHT: XY = [65, 15];
let view: Mounted;

const entry = (object: number, state = "fresh") => ({
  ...{ object, state, score: 1, iou: 0.9, source: "track", area: 16 },
});
const bytes = (runs: Uint32Array) => new DataView(runs.slice().buffer);
const receiveMasks = (...states: string[]) => {
  const masks = states.map((state, n) => entry(n + 1, state));
  const buffers = [LEFT, RIGHT].slice(0, states.length).map(bytes);
  const message = { type: "masks", seq: 1, reply_to: null, frame: 0, complete: true, masks };
  view.host.receive(message, buffers);
};
const timeline = (object: number, accepted: [number, number][] = [], tracked = [[0, 20]]) => ({
  ...{ type: "timeline", object, prompted: [], accepted, rejected: [], tracked, stale: [] },
});
const question = () => {
  const found = view.element.querySelector<HTMLElement>(".s2w-question");
  return found && !found.hidden ? found : null;
};
const answer = (text: string) => {
  const buttons = [...(question()?.querySelectorAll("button") ?? [])];
  buttons.find((button) => button.textContent?.startsWith(text))?.click();
};
const tag = () => {
  const found = view.element.querySelector<HTMLElement>(".s2w-tag");
  return found && !found.hidden ? found.textContent : null;
};

beforeEach(async () => {
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => {
    draw();
    return 0;
  });
  localStorage.clear();
  view = new Mounted();
  view.host.change({ objects: [objectOf(1), objectOf(2, "#ff0000")] });
  receiveMasks("fresh", "fresh");
  view.host.receive(timeline(1));
  view.host.receive(timeline(2));
  await settle();
  view.host.sent = [];
  view.host.written = [];
});
afterEach(() => {
  view.close();
  vi.unstubAllGlobals();
});

describe("a click on the mask of another object", () => {
  it("selects it, and changes nothing", async () => {
    view.gesture([ON_RIGHT]);
    await settle();
    expect(view.host.of("click")).toEqual([]);
    expect(view.host.written).toContainEqual(["selected", 2]);
    view.gesture([ON_RIGHT]);
    expect(view.host.of("click")).toMatchObject([{ object: 2, label: 1 }]);
  });

  it("marks with Alt, with the right button, with Shift, and by a drag", async () => {
    view.gesture([ON_RIGHT], { altKey: true });
    view.gesture([[66, 25]], { button: 2 });
    view.gesture([[55, 5]], { shiftKey: true });
    view.gesture([ON_RIGHT, [75, 35]]);
    await settle();
    expect(view.host.of("click")).toMatchObject([
      { object: 1, label: 1 },
      { object: 1, label: 0 },
      { object: 1, label: 0 },
    ]);
    expect(view.host.of("box")).toMatchObject([{ object: 1 }]);
    expect(view.host.written).not.toContainEqual(["selected", 2]);
  });

  it("marks while a prompt is pending: of an object that has nothing yet, or unanswered", async () => {
    view.host.change({ objects: [...view.host.current.objects, objectOf(3)], selected: 3 });
    await settle();
    view.gesture([ON_RIGHT]);
    expect(view.host.of("click")).toMatchObject([{ object: 3 }]);
    view.host.receive(timeline(3));
    await settle();
    view.gesture([[66, 25]]); // the answer to the first is not here
    expect(view.host.of("click")).toHaveLength(2);
    for (const { id } of view.host.of("click"))
      view.host.receive({ type: "done", reply_to: { view: view.host.sent[0]?.view, id } });
    await settle();
    view.gesture([[45, 25]]);
    await settle();
    expect(view.host.of("click")).toHaveLength(2);
    expect(view.host.written).toContainEqual(["selected", 2]);
  });

  it("marks the other child of an object that has divided, but not where that is absent", async () => {
    view.host.change({ objects: [...view.host.current.objects, objectOf(3)], selected: 3 });
    view.host.receive({ ...timeline(3, [], []), rejected: [[0, 1]] });
    await settle();
    view.gesture([ON_RIGHT]);
    await settle();
    expect(view.host.of("click")).toEqual([]);
    expect(view.host.written).toContainEqual(["selected", 2]);
    view.host.change({ selected: 1 });
    await settle();
    view.host.change({ selected: 3 });
    view.host.receive({ ...timeline(3, [], []), rejected: [[1, 5]] });
    await settle();
    view.gesture([ON_RIGHT]);
    expect(view.host.of("click")).toMatchObject([{ object: 3 }]);
  });

  it("marks where masks are not to be seen: left of a comparison", async () => {
    view.host.change({ selected: 2 });
    view.button("Compare").click();
    await settle();
    view.gesture([ON_LEFT]);
    expect(view.host.of("click")).toMatchObject([{ object: 2 }]);
  });

  it("selects with the crosshair and Enter, and marks with Alt and Enter", async () => {
    for (let i = 0; i < 3; i++) view.press("ArrowRight", { altKey: true, shiftKey: true });
    await settle();
    expect(tag()).toContain("Select Object 2");
    expect(tag()).toContain("Alt Enter");
    view.press("Enter", { altKey: true });
    expect(view.host.of("click")).toMatchObject([{ object: 1 }]);
    const { id, view: name } = view.host.of("click")[0] as { id: number; view: string };
    view.host.receive({ type: "done", reply_to: { view: name, id } });
    await settle();
    view.press("Enter");
    await settle();
    expect(view.host.of("click")).toHaveLength(1);
    expect(view.host.written).toContainEqual(["selected", 2]);
  });

  it("selects under a finger, and marks under one that rests", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    view.point("down", ON_RIGHT, { pointerType: "touch" });
    vi.advanceTimersByTime(600);
    view.point("up", ON_RIGHT, { pointerType: "touch" });
    vi.useRealTimers();
    expect(view.host.of("click")).toMatchObject([{ object: 1, label: 1 }]);
    const { id, view: name } = view.host.of("click")[0] as { id: number; view: string };
    view.host.receive({ type: "done", reply_to: { view: name, id } });
    await settle();
    view.gesture([[66, 25]], { pointerType: "touch" });
    await settle();
    expect(view.host.of("click")).toHaveLength(1);
    expect(view.host.written).toContainEqual(["selected", 2]);
  });

  it("is taken back when it was the first of a double-click that zooms out", async () => {
    view.wheel(-300, ON_RIGHT, { ctrlKey: true });
    await settle();
    view.gesture([ON_RIGHT]);
    await settle();
    view.gesture([ON_RIGHT]);
    await settle();
    expect(view.host.written.filter(([name]) => name === "selected").at(-1)).toEqual([
      "selected",
      1,
    ]);
    expect(view.host.sent).toEqual([]);
  });

  it("is told at the pointer beforehand, and no preview is asked for", async () => {
    view.button("Preview").click();
    view.point("move", ON_RIGHT);
    await settle();
    expect(tag()).toBe("Select Object 2Alt-click: prompt Object 1");
    expect(view.host.of("hover")).toEqual([]);
    view.point("move", ON_LEFT);
    await settle();
    expect(tag()).toBeNull();
    expect(view.host.of("hover")).toHaveLength(1);
  });
});

describe("an accepted mask", () => {
  beforeEach(async () => {
    receiveMasks("accepted", "fresh");
    view.host.receive(timeline(1, [[0, 1]]));
    await settle();
  });

  it("changes by a click only when a question is answered so", async () => {
    view.point("move", [15, 25]);
    await settle();
    expect(tag()).toContain("Object 1 is accepted");
    view.gesture([ON_LEFT]);
    await settle();
    expect(view.host.sent).toEqual([]);
    expect(question()?.textContent).toContain("Object 1 is accepted on frame 0.");
    expect(document.activeElement?.textContent).toContain("Keep it");
    answer("Keep it");
    await settle();
    expect(question()).toBeNull();
    expect(view.host.sent).toEqual([]);
    view.gesture([[25, 25]]);
    await settle();
    answer("Change it");
    expect(view.host.of("click")).toMatchObject([{ object: 1, change_accepted: true }]);
    expect(view.host.of("click")).toHaveLength(1);
  });

  it("changes with Alt without a question", () => {
    view.gesture([ON_LEFT], { altKey: true });
    expect(view.host.of("click")).toMatchObject([{ object: 1, change_accepted: true }]);
  });

  it("is kept by Escape, by another request and by another frame", async () => {
    view.gesture([ON_LEFT]);
    await settle();
    view.press("Escape");
    await settle();
    expect(question()).toBeNull();
    view.gesture([[25, 25]]);
    await settle();
    view.host.answers = true;
    view.press("ArrowRight");
    await settle();
    expect(question()).toBeNull();
    expect(view.host.of("click")).toEqual([]);
  });

  it.each(["Box", "Brush", "Eraser", "Polygon and lasso", "Negative point"])(
    "is asked about before it changes with the tool: %s",
    async (name) => {
      view.button(name).click();
      await settle();
      const corners: XY[] = [
        [5, 5],
        [30, 5],
        [30, 35],
        [25, 35],
      ];
      view.gesture(name === "Negative point" ? [ON_LEFT] : corners);
      await settle();
      expect(view.host.sent.filter(({ type }) => /click|box|paint/.test(type))).toEqual([]);
      expect(question()).not.toBeNull();
      answer("Change it");
      const sent = view.host.sent.filter(({ type }) => /click|box|paint/.test(type));
      expect(sent).toMatchObject([{ object: 1, change_accepted: true }]);
    },
  );

  it("keeps its points where they are until the answer", async () => {
    const points = [[2.5, 1.5, 1]];
    const prompts = { type: "prompts", frame: 0, object: 1, points, box: null, mask: false };
    view.host.receive(prompts);
    await settle();
    view.gesture([
      [25, 15],
      [35, 25],
    ]);
    await settle();
    expect(view.host.of("move_point")).toEqual([]);
    answer("Keep it");
    await settle();
    view.gesture([[25, 15]]); // it is where it was
    await settle();
    answer("Change it");
    expect(view.host.of("remove_point")).toMatchObject([{ index: 0, change_accepted: true }]);
  });

  it("is asked about before its prompts are cleared, it is reset, or its object removed", async () => {
    const prompts = { type: "prompts", frame: 0, object: 1, points: [[1, 1, 1]], box: null };
    view.host.receive({ ...prompts, mask: false });
    await settle();
    for (const [name, type, yes] of [
      ["Clear prompts", "clear_prompts", "Change it"],
      ["Reset frame", "reset", "Reset it"],
      ["Remove object", "remove_object", "Remove it"],
    ] as const) {
      view.button(name).click();
      await settle();
      expect(view.host.of(type)).toEqual([]);
      answer(yes);
      expect(view.host.of(type)).toMatchObject([{ object: 1, change_accepted: true }]);
    }
  });

  it("of another object is no reason to ask", async () => {
    view.host.change({ selected: 2 });
    await settle();
    view.gesture([ON_RIGHT]);
    expect(view.host.of("click")).toMatchObject([{ object: 2 }]);
  });

  it("of a locked object is left to the kernel, which refuses", async () => {
    view.host.change({ objects: [{ ...objectOf(1), locked: true }, objectOf(2)] });
    await settle();
    view.gesture([ON_LEFT]);
    expect(question()).toBeNull();
    expect(view.host.of("click")).toHaveLength(1);
  });
});

describe("the object under the pointer", () => {
  const lit = () =>
    [...view.element.querySelectorAll<HTMLElement>(".s2w-hovered")].map(
      ({ dataset }) => dataset.object,
    );

  it("lights up in all places, wherever the pointer is", async () => {
    view.point("move", ON_RIGHT);
    await settle();
    expect(lit()).toEqual(["2"]); // the row, with the lane in it
    view.point("leave", ON_RIGHT);
    await settle();
    expect(lit()).toEqual([]);
    const row = view.element.querySelector('.s2w-object[data-object="1"]') as HTMLElement;
    row.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    await settle();
    expect(lit()).toEqual(["1"]);
    row.dispatchEvent(new PointerEvent("pointerout", { bubbles: true }));
    await settle();
    expect(lit()).toEqual([]);
  });
});

describe("the minimap", () => {
  const map = () => view.element.querySelector(".s2w-minimap") as HTMLCanvasElement;

  it("is there when zoomed, moves the view, and goes by a key", async () => {
    await settle();
    expect(map().hidden).toBe(true);
    view.wheel(-600, [0, 0], { ctrlKey: true });
    await settle();
    expect(map().hidden).toBe(false);
    map().getBoundingClientRect = () => new DOMRect(0, 0, 60, 30);
    const at = (clientX: number, clientY: number) => ({
      clientX,
      clientY,
      buttons: 1,
      pointerId: 1,
    });
    map().dispatchEvent(new PointerEvent("pointerdown", at(45, 15)));
    await settle();
    const middle = () => {
      view.gesture([[40, 20]], { altKey: true });
      return (view.host.of("click").at(-1) as { x: number }).x;
    };
    expect(middle()).toBeCloseTo(6); // three quarters of 8
    map().dispatchEvent(new PointerEvent("pointermove", at(30, 15)));
    await settle();
    expect(middle()).toBeCloseTo(4);
    map().dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    await settle();
    expect(middle()).toBeGreaterThan(4);
    map().dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    await settle();
    expect(map().hidden).toBe(true);
    view.press("Z", { shiftKey: true });
    await settle();
    expect(map().hidden).toBe(false);
  });
});

describe("the scale bar", () => {
  const bar = () => view.element.querySelector(".s2w-scale") as HTMLElement;

  it("is there where the size of a pixel is known, or by a key", async () => {
    expect(bar().hidden).toBe(true);
    view.press("R", { shiftKey: true });
    await settle();
    expect(bar().textContent).toBe("2 px");
    view.press("R", { shiftKey: true });
    await settle();
    expect(bar().hidden).toBe(true);
  });

  it("is in the unit, and says who says so", async () => {
    localStorage.clear();
    view.close();
    view = new Mounted();
    const pixel_size = { x: 0.5, y: 0.5, unit: "µm", source: "OME-XML" };
    view.host.change({ video: { ...view.host.current.video, pixel_size } });
    await settle();
    expect(bar().hidden).toBe(false);
    expect(bar().textContent).toBe("1 µm"); // of 22 CSS pixels, 10 a pixel
    expect(bar().querySelector("i")?.style.width).toBe("20px");
    expect(bar().getAttribute("aria-label")).toContain("as its OME-XML says");
  });
});

describe("lengths and areas", () => {
  const micron = (x: number, y = x) => ({ x, y, unit: "µm", source: "" });

  it("are round, and in a unit that fits", () => {
    expect(roundLength(130, null)).toEqual({ px: 100, text: "100 px" });
    expect(roundLength(0.4, null).text).toBe("1 px");
    expect(roundLength(100, micron(0.65)).text).toBe("50 µm");
    expect(roundLength(100, micron(0.65)).px).toBeCloseTo(50 / 0.65);
    expect(roundLength(2, micron(0.01))).toMatchObject({ text: "20 nm" });
    expect(roundLength(5000, micron(1)).text).toBe("5 mm");
    expect(roundLength(100, { ...micron(0.5), unit: "ft" }).text).toBe("50 ft");
  });

  it("take width and height of a pixel", () => {
    expect(areaText(1234, null)).toBe("1,234 px");
    expect(areaText(1000, micron(0.5, 0.8))).toBe("400 µm²");
    expect(areaText(3, micron(0.1))).toBe("0.03 µm²");
  });
});

describe("the candidates", () => {
  const flat: [number, number] = [276, 76];
  const upright: [number, number] = [96, 216];
  const hides = (box: [number, number, number, number]) => {
    const { left, top, isUpright } = standApart(box, [800, 450], flat, upright);
    const [width, height] = isUpright ? upright : flat;
    const wide = Math.min(box[2], left + width) - Math.max(box[0], left);
    const tall = Math.min(box[3], top + height) - Math.max(box[1], top);
    return wide > 0 && tall > 0;
  };

  it.each([
    ["low", [300, 300, 500, 440]],
    ["high", [300, 10, 500, 200]],
    ["wide and low", [10, 250, 790, 445]],
    ["as tall as the stage", [250, 0, 550, 450]],
    ["in the middle", [150, 100, 650, 350]],
    ["all but a strip at the left", [120, 0, 800, 450]],
  ] as [string, [number, number, number, number]][])(
    "hide nothing of an object that is %s",
    (_, box) => {
      expect(hides(box)).toBe(false);
    },
  );

  it("hide as little as can be of one that fills the stage", () => {
    const low: [number, number] = [276, 60]; // and it covers less than the upright one
    expect(standApart([0, 0, 800, 450], [800, 450], flat, upright).isUpright).toBe(true);
    expect(standApart([0, 0, 800, 450], [800, 450], low, upright).isUpright).toBe(false);
  });
});
