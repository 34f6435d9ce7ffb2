import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TimelineMessage } from "../src/kernel/protocol";
import type { ObjectInfo } from "../src/kernel/traits";
import { TimeAxis } from "../src/panels/time/axis";
import { keepsKey } from "../src/state/keys/keys";
import { situationOf } from "../src/state/next-step/situation";
import { Store } from "../src/state/store";
import { menuItem, Popover } from "../src/ui/popover";
import { setTip, tipOf } from "../src/ui/tooltip";
import { FakeHost, settle, viewState } from "./fake-host";
import { Mounted } from "./mounted";

const timeline = (object: number, fields: Partial<TimelineMessage> = {}): TimelineMessage => ({
  ...{ type: "timeline", object, prompted: [], accepted: [], rejected: [], tracked: [], stale: [] },
  ...fields,
});
const objects = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ id: i + 1, name: `Object ${i + 1}`, color: "#2f7ff5" },
    ...{ visible: true, locked: false, class_name: "", attributes: {} },
  }));

describe("the view", () => {
  let view: Mounted;
  const root = () => view.element.querySelector(".sam2widget") as HTMLElement;
  const running = () => ({ ...view.host.current.status, state: "propagating" as const });

  beforeEach(() => {
    view = new Mounted(80, 40, true);
  });
  afterEach(() => view.close());

  describe("with Escape", () => {
    it("stops tracking first, then leaves what is drawn, then everything mode", async () => {
      view.button("Everything").click();
      view.host.change({ status: running() });
      await settle();
      view.press("ArrowDown", { altKey: true }); // a crosshair: something to leave
      view.host.sent = [];
      view.press("Escape");
      expect(view.host.sent.map(({ type }) => type)).toEqual(["stop"]);
      view.host.change({ status: { ...running(), state: "ready" } });
      await settle();
      view.press("Escape"); // the crosshair
      await settle();
      expect(view.button("Everything").getAttribute("aria-pressed")).toBe("true");
      view.press("Escape");
      await settle();
      expect(view.button("Positive point").getAttribute("aria-pressed")).toBe("true");
      expect(view.press("Escape").defaultPrevented).toBe(false);
      expect(view.host.of("stop")).toHaveLength(1);
    });

    it("closes a menu, or leaves a name, before it stops tracking", async () => {
      view.button("How to propagate").click();
      expect(view.button("Propagate forward").closest("[hidden]")).toBeNull();
      const pressEscape = () =>
        new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true });
      document.activeElement?.dispatchEvent(pressEscape());
      expect(view.button("Propagate forward").closest("[hidden]")).not.toBeNull();
      view.host.change({ status: running() });
      await settle();
      const name = view.element.querySelector(
        '[aria-label="Name of Object 1"]',
      ) as HTMLInputElement;
      name.focus();
      name.value = "rat";
      name.dispatchEvent(pressEscape());
      expect(name.value).toBe("Object 1");
      expect(view.host.of("stop")).toEqual([]);
    });
  });

  it("types a name into the row that is double-clicked, and takes no letter for a key", () => {
    const name = view.element.querySelector('[aria-label="Name of Object 1"]') as HTMLInputElement;
    name.getBoundingClientRect = () => new DOMRect(50, 0, 100, 20);
    const twice = (clientX: number) =>
      view
        .button("Select Object 1")
        .dispatchEvent(new MouseEvent("dblclick", { clientX, clientY: 10, bubbles: true }));
    twice(10);
    expect(document.activeElement).not.toBe(name);
    twice(60);
    expect(document.activeElement).toBe(name);
    view.host.sent = [];
    for (const key of ["r", "a", "t", "Backspace", " "])
      name.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    expect(view.host.sent).toEqual([]);
    view.stage.focus();
    view.press("F2");
    expect(document.activeElement).toBe(name);
  });

  it("leaves arrows to a slider, except the one of frames", async () => {
    const press = (slider: string) => {
      const element = view.element.querySelector(`[aria-label="${slider}"]`) as HTMLElement;
      const init = { key: "ArrowRight", bubbles: true, cancelable: true };
      element.dispatchEvent(new KeyboardEvent("keydown", init));
    };
    press("Opacity of masks");
    await settle();
    expect(root().dataset.frame).toBe("0");
    press("Frame");
    await settle();
    expect(root().dataset.frame).toBe("1");
  });

  it("has its tooltips from nobody but itself", () => {
    const over = new Event("pointerover", { bubbles: true });
    view.button("Undo").dispatchEvent(over);
    const shown = view.element.querySelector(".s2w-tip:not(.s2w-card)") as HTMLElement;
    expect(shown.hidden).toBe(false);
    expect(shown.textContent).toBe("Undo: pointCtrlZ");
    root().dispatchEvent(new Event("pointerleave"));
    expect(shown.hidden).toBe(true);
    view.button("Redo").setAttribute("title", "As a browser has it");
    view.button("Redo").dispatchEvent(new Event("pointerover", { bubbles: true }));
    expect(shown.textContent).toBe("As a browser has it");
    expect(view.button("Redo").hasAttribute("title")).toBe(false);
  });

  it("goes from prompted frame to prompted frame", async () => {
    view.host.receive(timeline(1, { prompted: [3, 9, 15] }));
    const at = async (key: string) => {
      view.press(key);
      await settle();
      return root().dataset.frame;
    };
    expect([await at("ArrowDown"), await at("ArrowDown"), await at("ArrowUp")]).toEqual([
      ...["3", "9", "3"],
    ]);
    expect(await at("ArrowUp")).toBe("3"); // there is none before
    // More than a call takes as arguments.
    view.host.receive(timeline(1, { prompted: new Array(200_000).fill(15) }));
    expect([await at("ArrowDown"), await at("ArrowDown")]).toEqual(["15", "15"]);
  });

  it("says that all is checked only when something was", async () => {
    const left = () => view.element.querySelector(".s2w-left")?.textContent;
    expect(left()).toBe("");
    view.host.receive(timeline(1, { prompted: [0] }));
    await settle();
    expect(left()).toBe("");
    view.host.receive(timeline(1, { prompted: [0], tracked: [[1, 4]] }));
    await settle();
    expect(left()).toBe("3 to check");
    view.host.receive(timeline(1, { prompted: [0], accepted: [[1, 4]] }));
    await settle();
    expect(left()).toBe("All checked");
  });

  it("draws the rows that are in sight, and scrolls to the selected one", async () => {
    const body = view.element.querySelector(".s2w-table-body") as HTMLElement;
    Object.defineProperty(body, "clientHeight", { value: 104 });
    view.host.change({ objects: objects(200) });
    await settle();
    body.dispatchEvent(new Event("scroll"));
    const rows = () => [...view.element.querySelectorAll<HTMLElement>(".s2w-object")];
    expect(rows().map((row) => row.dataset.object)).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(rows()[0]?.getAttribute("aria-setsize")).toBe("200");
    view.button("Select Object 2").focus();
    body.scrollTop = 100 * 26;
    body.dispatchEvent(new Event("scroll"));
    const seen = rows().map((row) => Number(row.dataset.object));
    expect(seen.slice(1)).toEqual([99, 100, 101, 102, 103, 104, 105, 106]);
    expect(seen[0]).toBe(2); // it has the focus
    view.host.change({ selected: 150 });
    await settle();
    expect(rows().some((row) => row.dataset.object === "150")).toBe(true);
    expect(body.scrollTop).toBe(150 * 26 - 104);
    view.press("ArrowDown", { ctrlKey: true });
    await settle();
    expect(view.host.current.selected).toBe(151);
  });
});

describe("the axis of time", () => {
  let store: Store;
  let axis: TimeAxis;

  beforeEach(() => {
    const host = new FakeHost();
    host.current = { ...host.current, video: { ...host.current.video, num_frames: 1000 } };
    store = new Store(viewState(host));
    axis = new TimeAxis(store);
  });

  it("zooms about a place, within the video", () => {
    axis.zoomBy(10, 0.5);
    expect([axis.start, axis.length]).toEqual([450, 100]);
    expect([axis.frameAt(0), axis.frameAt(0.999)]).toEqual([450, 549]);
    axis.panBy(-10);
    expect(axis.start).toBe(0);
    axis.panBy(100);
    expect(axis.start).toBe(900);
    axis.zoomBy(1e6);
    expect(axis.length).toBe(8);
    axis.zoomBy(1e-6);
    expect([axis.start, axis.length, axis.zoomed]).toEqual([0, 1000, false]);
  });

  it("goes along when the frame leaves it, and only then", () => {
    axis.zoomBy(10, 0);
    axis.reveal(60);
    expect(axis.start).toBe(0);
    axis.panBy(0.005); // half of a frame is out of sight on either side
    axis.reveal(100);
    expect(axis.start).toBe(1);
    axis.panBy(-1);
    axis.reveal(400);
    expect(axis.shareOf(400)).toBeCloseTo(0.08);
    axis.reveal(300);
    expect(axis.shareOf(300)).toBeGreaterThan(0.9);
  });
});

it("marks as many places as are said to be worth a look", () => {
  const host = new FakeHost();
  const video = { ...host.current.video, num_frames: 400 };
  const [one, two, three] = objects(3) as [ObjectInfo, ObjectInfo, ObjectInfo];
  host.current = { ...host.current, video, objects: [one, two, { ...three, locked: true }] };
  const store = new Store(viewState(host));
  const bytes = new Uint8Array(400).fill(250);
  for (const [at, byte] of [
    [50, 20],
    [51, 15],
    [120, 60],
    [200, 5], // prompted
    [300, 90],
    [350, 200], // certain enough
  ] as const)
    bytes[at] = byte;
  const tracked: [number, number][] = [
    [1, 200],
    [201, 400],
  ];
  for (const id of [1, 2, 3]) store.confidences.set(id, bytes);
  store.timelines.set(1, timeline(1, { tracked, prompted: [200] }));
  store.timelines.set(2, timeline(2, { accepted: [[0, 400]] }));
  store.timelines.set(3, timeline(3, { tracked }));
  expect(store.places).toEqual(new Map([[1, [51, 120, 300]]]));
  expect(situationOf(store).places).toBe(3);
  store.timelines.set(1, timeline(1, { tracked: [[100, 200]] }));
  store.touch("timeline");
  expect(store.places).toEqual(new Map([[1, [120]]]));
});

it("asks for a click on an object that is only said to be absent", () => {
  const host = new FakeHost();
  host.current = { ...host.current, objects: objects(3) };
  const store = new Store(viewState(host));
  const rejected: [number, number][] = [[0, 4]];
  store.timelines.set(1, timeline(1, { rejected, tracked: [[4, 6]] }));
  store.timelines.set(2, timeline(2, { rejected }));
  store.timelines.set(3, timeline(3, { rejected, prompted: [2] }));
  expect(situationOf(store).empty).toEqual(["Object 2"]);
});

describe("a popover", () => {
  const ran = vi.fn();
  let menu: Popover;
  const press = (key: string) =>
    document.activeElement?.dispatchEvent(
      new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }),
    );

  beforeEach(() => {
    ran.mockClear();
    menu = new Popover({ icon: "open", label: "Results", menu: true }, [
      menuItem("First", () => ran("first")),
      menuItem("Second", () => ran("second"), { key: "Ctrl+E" }),
    ]);
    document.body.append(menu.element);
  });
  afterEach(() => {
    menu.close();
    menu.element.remove();
  });

  it("is a menu with keys", () => {
    menu.button.focus();
    press("ArrowDown");
    expect(menu.button.getAttribute("aria-expanded")).toBe("true");
    expect(document.activeElement?.textContent).toBe("First");
    expect(document.activeElement?.getAttribute("role")).toBe("menuitem");
    press("ArrowUp"); // round to the last
    (document.activeElement as HTMLElement).click();
    expect(ran).toHaveBeenCalledWith("second");
    expect(menu.opened).toBe(false);
    expect(document.activeElement).toBe(menu.button);
  });

  it("closes with Escape and with a press elsewhere", () => {
    menu.open();
    press("Escape");
    expect(menu.opened).toBe(false);
    expect(document.activeElement).toBe(menu.button);
    menu.open();
    menu.panel.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    expect(menu.opened).toBe(true);
    document.body.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    expect(menu.opened).toBe(false);
  });
});

it("keeps of a tooltip the name apart from the description", () => {
  const button = document.createElement("button");
  button.setAttribute("aria-label", "Undo");
  setTip(button, "Undo", "Ctrl+Z");
  expect(button.getAttribute("aria-description")).toBeNull();
  expect(button.getAttribute("aria-keyshortcuts")).toBe("Control+Z");
  setTip(button, "Undo: point");
  expect(button.getAttribute("aria-description")).toBe("Undo: point");
  expect([tipOf(button), button.getAttribute("aria-keyshortcuts")]).toEqual(["Undo: point", null]);
});

it("knows which keys belong to which control", () => {
  const input = (type: string) => Object.assign(document.createElement("input"), { type });
  expect(keepsKey(input("search"), "a")).toBe(true);
  expect(keepsKey(document.createElement("textarea"), "Escape")).toBe(true);
  expect(keepsKey(input("checkbox"), " ")).toBe(true);
  expect(keepsKey(input("checkbox"), "a")).toBe(false);
  expect(keepsKey(input("range"), "Home")).toBe(true);
  expect(keepsKey(input("range"), "a")).toBe(false);
  expect(keepsKey(document.createElement("select"), "Escape")).toBe(false);
});
