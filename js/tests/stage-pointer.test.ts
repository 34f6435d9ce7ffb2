import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { settle } from "./fake-host";
import { Mounted, type XY } from "./mounted";

let view: Mounted;

beforeEach(() => {
  view = new Mounted();
});
afterEach(() => view.close());

const prompts = { type: "prompts", frame: 0, object: 1, points: [], box: null, mask: false };
const tool = async (name: string) => {
  view.button(name).click();
  await settle();
};

describe("zooming", () => {
  it("keeps what is under the pointer there, and prompts exact", async () => {
    expect(view.clicked([25, 15])).toEqual([2.5, 1.5]);
    const event = view.wheel(-300, [25, 15], { ctrlKey: true });
    await settle();
    expect(event.defaultPrevented).toBe(true);
    const [x, y] = view.clicked([25, 15]);
    expect(x).toBeCloseTo(2.5);
    expect(y).toBeCloseTo(1.5);
    const [farX] = view.clicked([45, 15]);
    expect(farX).toBeCloseTo(2.5 + 2 / 1.25 ** 3);
  });

  it("leaves a plain wheel to the page until the stage has the focus", async () => {
    expect(view.wheel(-100, [25, 15]).defaultPrevented).toBe(false);
    view.stage.focus();
    expect(view.wheel(-100, [25, 15]).defaultPrevented).toBe(true);
  });

  it("leaves a plain wheel to the page when all is in sight and it zooms out", () => {
    view.stage.focus();
    expect(view.wheel(100, [25, 15]).defaultPrevented).toBe(false);
  });

  it("moves the image with a focused trackpad, and zooms when it is pinched", async () => {
    view.stage.focus();
    view.wheel(-20, [40, 20], { ctrlKey: true });
    await settle();
    const before = view.clicked([40, 20]);
    view.wheel(3, [40, 20], { deltaX: 4 });
    await settle();
    const after = view.clicked([40, 20]);
    const scale = 10 * 1.12 ** 2;
    expect(after[0] - before[0]).toBeCloseTo(4 / scale);
    expect(after[1] - before[1]).toBeCloseTo(3 / scale);
  });

  it("has keys, and bounds", async () => {
    for (const key of ["+", "=", "+"]) view.press(key);
    await settle();
    expect(view.clicked([80, 20])[0]).toBeCloseTo(4 + 4 / 1.25 ** 3);
    view.press("0");
    view.press("-");
    await settle();
    expect(view.clicked([80, 20])[0]).toBeCloseTo(8);
  });

  it("follows two fingers, and takes no prompt from them", async () => {
    const touch = (type: string, pointerId: number, at: XY) =>
      view.point(type, at, { pointerId, pointerType: "touch" });
    touch("down", 1, [30, 20]);
    touch("down", 2, [50, 20]);
    touch("move", 1, [20, 20]);
    touch("move", 2, [60, 20]);
    touch("up", 1, [20, 20]);
    touch("up", 2, [60, 20]);
    await settle();
    expect(view.host.sent).toEqual([]);
    expect(view.clicked([60, 20])[0]).toBeCloseTo(5);
    expect(view.clicked([20, 20])[0]).toBeCloseTo(3);
  });

  it("fits again at a double-click, which leaves no point", async () => {
    view.wheel(-300, [25, 15], { ctrlKey: true });
    await settle();
    view.gesture([[25, 15]]);
    view.gesture([[26, 15]]);
    await settle();
    expect(view.host.sent.map(({ type }) => type)).toEqual(["click", "remove_point"]);
    expect(view.host.of("remove_point")).toMatchObject([{ object: 1, index: 0 }]);
    expect(view.clicked([80, 40])).toEqual([8, 4]);
  });
});

describe("panning", () => {
  beforeEach(async () => {
    view.wheel(-400, [40, 20], { ctrlKey: true });
    await settle();
  });
  const scale = 10 * 1.25 ** 4;

  it("goes with the middle button, and within the image", async () => {
    const before = view.clicked([40, 20]);
    const drag: XY[] = [
      [40, 20],
      [45, 17],
    ];
    view.gesture(drag, { button: 1 });
    await settle();
    const after = view.clicked([40, 20]);
    expect(after[0] - before[0]).toBeCloseTo(-5 / scale);
    expect(after[1] - before[1]).toBeCloseTo(3 / scale);
    drag.push([999, 999]);
    view.gesture(drag, { button: 1 });
    await settle();
    expect(view.clicked([0, 0])).toEqual([0, 0]);
    expect(view.host.of("box")).toEqual([]);
  });

  it("goes with a held space bar, which then is no command", async () => {
    const before = view.clicked([40, 20]);
    let passed = 0;
    document.body.addEventListener("keydown", () => passed++, { once: true });
    expect(view.press(" ").defaultPrevented).toBe(true);
    view.gesture([
      [40, 20],
      [36, 20],
    ]);
    view.stage.dispatchEvent(new KeyboardEvent("keyup", { key: " ", cancelable: true }));
    await settle();
    expect(view.clicked([40, 20])[0] - before[0]).toBeCloseTo(4 / scale);
    expect(passed).toBe(0);
  });

  it("leaves a tapped space bar to playing", async () => {
    view.press(" ");
    view.stage.dispatchEvent(new KeyboardEvent("keyup", { key: " ", cancelable: true }));
    await settle();
    expect(view.element.querySelector('[aria-label="Pause"]')).not.toBeNull();
  });
});

describe("a point", () => {
  beforeEach(async () => {
    view.host.receive({ ...prompts, points: [[2.5, 1.5, 0]] });
    await settle();
  });

  it("moves when it is dragged, once it is released", () => {
    view.point("down", [26, 15]);
    view.point("move", [46, 25]);
    expect(view.host.sent).toEqual([]);
    view.point("up", [46, 25]);
    expect(view.host.sent).toMatchObject([
      { type: "move_point", frame: 0, object: 1, index: 0, x: 4.5, y: 2.5 },
    ]);
  });

  it("stays where it was when the drag is given up", () => {
    view.point("down", [26, 15]);
    view.point("move", [46, 25]);
    view.press("Escape");
    view.point("up", [46, 25]);
    expect(view.host.sent).toEqual([]);
    view.gesture([[25, 15]]);
    expect(view.host.of("remove_point")).toHaveLength(1);
  });

  it("is removed by a click, also by one that trembles", () => {
    view.gesture([
      [26, 15],
      [27, 16],
    ]);
    expect(view.host.sent).toMatchObject([{ type: "remove_point", object: 1, index: 0 }]);
  });

  it("says what the pointer would do", () => {
    view.point("move", [26, 15]);
    expect(view.stage.style.cursor).toBe("pointer");
    view.point("move", [60, 30]);
    expect(view.stage.style.cursor).toBe("");
  });
});

describe("a box", () => {
  beforeEach(async () => {
    view.close();
    view = new Mounted(800, 400);
    view.host.receive({ ...prompts, box: [1, 1, 5, 3] });
    await settle();
    view.host.sent = [];
  });

  it("changes by its handles", () => {
    view.gesture([
      [500, 200],
      [600, 250],
    ]);
    expect(view.host.of("box")).toMatchObject([{ object: 1, x0: 1, y0: 1, x1: 6, y1: 3 }]);
  });

  it("moves by its line", () => {
    view.gesture([
      [230, 100],
      [330, 150],
    ]);
    expect(view.host.of("box")).toMatchObject([{ x0: 2, y0: 1.5, x1: 6, y1: 3.5 }]);
  });

  it("takes a click on its line for a point", () => {
    view.gesture([[230, 100]]);
    expect(view.host.sent).toMatchObject([{ type: "click", x: 2.3, y: 1 }]);
  });
});

describe("the brush", () => {
  it("sends its way in pixels of the image, and shows it before the answer", async () => {
    await tool("Brush");
    view.gesture([
      [10, 10],
      [20, 10],
      [30, 10],
    ]);
    expect(view.host.sent).toMatchObject([
      {
        ...{ type: "paint", frame: 0, object: 1, shape: "brush", erase: false, radius: 12 },
        path: [1, 1, 3, 1],
      },
    ]);
  });

  it("dabs at a click, erases with Shift, the right button or the eraser", async () => {
    await tool("Brush");
    view.gesture([[10, 10]], { shiftKey: true });
    view.gesture([[10, 10]], { button: 2 });
    await tool("Eraser");
    view.gesture([[10, 10]]);
    const sent = view.host.of("paint");
    expect(sent).toHaveLength(3);
    for (const request of sent) expect(request).toMatchObject({ erase: true, path: [1, 1] });
  });

  it("is made larger and smaller by keys and by an Alt-drag", async () => {
    await tool("Brush");
    view.press("]");
    view.press("[");
    view.press("[");
    view.gesture(
      [
        [40, 20],
        [60, 20],
      ],
      { altKey: true },
    );
    expect(view.host.sent).toEqual([]);
    view.gesture([[10, 10]]);
    const [paint] = view.host.of("paint");
    expect(paint?.type === "paint" && paint.radius).toBeCloseTo(12);
  });

  it("leaves no paint when the stroke is given up", async () => {
    await tool("Brush");
    view.point("down", [10, 10]);
    view.point("move", [30, 10]);
    view.press("Escape");
    view.point("up", [30, 10]);
    expect(view.host.sent).toEqual([]);
  });
});

describe("the polygon", () => {
  const corners: XY[] = [
    [10, 10],
    [50, 10],
    [50, 30],
  ];
  const path = [1, 1, 5, 1, 5, 3];

  beforeEach(() => tool("Polygon and lasso"));

  it("has a corner at each click and ends with Enter", () => {
    for (const corner of corners) view.gesture([corner]);
    expect(view.host.sent).toEqual([]);
    view.press("Enter");
    expect(view.host.sent).toMatchObject([{ type: "paint", shape: "polygon", erase: false, path }]);
  });

  it("ends with a double-click, or a click on its first corner", () => {
    for (const corner of corners) view.gesture([corner]);
    view.gesture([[51, 30]]);
    for (const corner of corners) view.gesture([corner]);
    view.gesture([[11, 11]]);
    expect(view.host.of("paint")).toMatchObject([{ path }, { path }]);
  });

  it("goes back a corner, and away", () => {
    for (const corner of corners) view.gesture([corner]);
    view.press("Backspace");
    view.press("Enter");
    for (const corner of corners) view.gesture([corner]);
    view.press("Escape");
    view.press("Enter");
    expect(view.host.sent).toEqual([]);
  });

  it("is a lasso when it is dragged, and erases with Shift", () => {
    view.gesture([...corners, [10, 30]], { shiftKey: true });
    expect(view.host.of("paint")).toMatchObject([{ erase: true, path: [...path, 1, 3] }]);
  });
});

describe("keys alone", () => {
  const alt = (key: string, times = 1) => {
    for (let i = 0; i < times; i++) view.press(key, { altKey: true });
  };

  it("put points, positive and negative", () => {
    alt("ArrowRight");
    view.press("Enter");
    alt("ArrowRight", 2);
    view.press("Enter", { shiftKey: true });
    expect(view.host.of("click")).toMatchObject([
      { x: 5, y: 2, label: 1 },
      { x: 7, y: 2, label: 0 },
    ]);
  });

  it("paint, and draw polygons that end where they are", async () => {
    await tool("Brush");
    alt("ArrowLeft");
    view.press("Enter");
    await tool("Polygon and lasso");
    for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft"]) {
      view.press("Enter");
      alt(key);
    }
    view.press("Enter");
    view.press("Enter");
    const [dab, polygon] = view.host.of("paint");
    expect(dab).toMatchObject({ shape: "brush", path: [3, 2] });
    expect(polygon).toMatchObject({ shape: "polygon", path: [3, 2, 4, 2, 4, 3, 3, 3] });
  });
});
