import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SentRequest } from "../src/kernel/protocol";
import { tipOf } from "../src/ui/tooltip";
import { mount } from "../src/view";
import { FakeHost, objectOf, settle } from "./fake-host";

vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 8, height: 4, close: () => {} }));
vi.stubGlobal(
  "IntersectionObserver",
  class {
    observe() {}
    disconnect() {}
  },
);

let host: FakeHost;
let element: HTMLElement;
let unmount: () => void;

const button = (name: string) =>
  element.querySelector<HTMLButtonElement>(`[aria-label="${name}"]`) as HTMLButtonElement;
const stage = () => element.querySelector('[data-role="stage"]') as HTMLCanvasElement;
const root = () => element.querySelector(".sam2widget") as HTMLElement;

/** Press, move and release on the stage, in CSS pixels; the stage shows 8 x 4 at 80 x 40. */
function gesture(path: [number, number][], init: PointerEventInit = {}): void {
  const types = ["pointerdown", ...path.slice(1).map(() => "pointermove"), "pointerup"];
  const points = [...path, path.at(-1) as [number, number]];
  types.forEach((type, i) => {
    const [clientX, clientY] = points[i] as [number, number];
    stage().dispatchEvent(
      new PointerEvent(type, { clientX, clientY, pointerId: 1, button: 0, ...init }),
    );
  });
}

beforeEach(() => {
  host = new FakeHost();
  host.answers = true;
  element = document.createElement("div");
  document.body.append(element);
  unmount = mount(element, host);
  Object.defineProperty(stage(), "clientWidth", { value: 80 });
  stage().getBoundingClientRect = () => new DOMRect(0, 0, 80, 40);
  host.sent = [];
});

afterEach(() => {
  unmount();
  element.remove();
});

describe("the stage", () => {
  it("turns a click into a positive point in pixels of the video", () => {
    gesture([[25, 15]]);
    expect(host.of("click")).toMatchObject([{ frame: 0, object: 1, x: 2.5, y: 1.5, label: 1 }]);
  });

  it("turns a right or shifted click into a negative point", () => {
    gesture([[25, 15]], { button: 2 });
    gesture([[25, 15]], { shiftKey: true });
    expect(host.of("click").map((m) => "label" in m && m.label)).toEqual([0, 0]);
  });

  it("turns a drag into a box, within the frame", () => {
    gesture([
      [60, 30],
      [20, 10],
      [-50, 10],
    ]);
    expect(host.of("box")).toMatchObject([{ x0: 0, y0: 1, x1: 6, y1: 3 }]);
    expect(host.of("click")).toEqual([]);
  });

  it("removes the point under a click", async () => {
    host.receive({
      type: "prompts",
      frame: 0,
      object: 1,
      points: [[2.5, 1.5, 1]],
      box: null,
      mask: false,
    });
    await settle();
    gesture([[27, 16]]);
    expect(host.of("remove_point")).toMatchObject([{ frame: 0, object: 1, index: 0 }]);
  });

  it("removes the box when its handle is clicked", async () => {
    const prompts = { type: "prompts", frame: 0, object: 1, points: [], mask: false };
    host.receive({ ...prompts, box: [1, 1, 5, 3] });
    await settle();
    gesture([[28, 31]]);
    expect(host.of("remove_box")).toMatchObject([{ frame: 0, object: 1 }]);
    expect(host.of("click")).toEqual([]);
  });

  it("takes no prompt from two fingers", () => {
    for (const pointerId of [1, 2]) {
      const init = { clientX: 20, clientY: 20, pointerId, button: 0 };
      stage().dispatchEvent(new PointerEvent("pointerdown", init));
    }
    stage().dispatchEvent(new PointerEvent("pointerup", { pointerId: 1 }));
    expect(host.sent).toEqual([]);
  });

  it("asks for a new object when none is selected", async () => {
    host.change({ objects: [], selected: 0 });
    await settle();
    gesture([[25, 15]]);
    expect(host.of("click")).toMatchObject([{ object: null }]);
  });
});

describe("the controls", () => {
  it("have accessible names and send requests", () => {
    button("Propagate").click();
    button("Undo").click();
    button("Add object").click();
    expect(host.sent.map((m) => m.type)).toEqual(["propagate", "undo", "add_object"]);
  });

  it("show Stop in place of Propagate while propagating", async () => {
    expect(button("Stop").hidden).toBe(true);
    host.change({
      status: { state: "propagating", message: "", model: "nano", device: "cpu", click_ms: 0 },
    });
    await settle();
    expect(button("Stop").hidden).toBe(false);
    expect(button("Propagate").hidden).toBe(true);
    expect(root().dataset.state).toBe("propagating");
  });

  it("negative tool makes a plain click negative", () => {
    button("Negative point").click();
    gesture([[25, 15]]);
    expect(host.of("click")).toMatchObject([{ label: 0 }]);
  });
});

describe("what is offered", () => {
  it("follows the history", async () => {
    expect(button("Undo").disabled).toBe(false);
    expect(tipOf(button("Undo"))).toBe("Undo: point");
    expect(button("Undo").dataset.tipKey).toBe("Ctrl+Z");
    expect(button("Redo").disabled).toBe(true);
    host.change({ history: { undo: "", redo: "box" } });
    await settle();
    expect([button("Undo").disabled, button("Redo").disabled]).toEqual([true, false]);
  });

  it("lets a person say when to propagate", async () => {
    const auto = element.querySelector('[aria-label="Propagate by itself"]') as HTMLSelectElement;
    expect(auto.value).toBe("corrections");
    auto.value = "always";
    auto.dispatchEvent(new Event("change"));
    await settle();
    expect(host.written).toContainEqual(["auto_propagate", "always"]);
  });

  it("has switches for clean masks and for overlaps", async () => {
    const group = element.querySelector('[aria-label="Masks"]') as HTMLElement;
    const [clean, apart] = [...group.querySelectorAll("input")] as [
      HTMLInputElement,
      HTMLInputElement,
    ];
    expect([clean.checked, apart.checked]).toEqual([true, true]);
    host.change({ clean_masks: 25 });
    await settle();
    expect(tipOf(clean.parentElement as Element)).toContain("below 25 pixels");
    clean.click();
    await settle();
    clean.click();
    await settle();
    const written = host.written.filter(([name]) => name === "clean_masks");
    expect(written.slice(-2)).toEqual([
      ["clean_masks", 0],
      ["clean_masks", 25],
    ]);
    apart.click();
    expect(host.of("set_non_overlapping")).toMatchObject([{ on: false }]);
    host.change({ status: { ...host.current.status, state: "working" } });
    host.change({ clean_masks: 50 });
    await settle();
    expect(apart.checked).toBe(false); // as it was set, also when the kernel takes its time
    host.change({ non_overlapping: false });
    await settle();
    expect(apart.checked).toBe(false);

    apart.click();
    const [, { id, view }] = host.of("set_non_overlapping") as [SentRequest, SentRequest];
    host.receive({ type: "error", reply_to: { id, view }, text: "No." });
    await settle();
    expect(apart.checked).toBe(false);
  });

  it("says beside its name what the model is, where there is something to say", async () => {
    const note = element.querySelector(".s2w-note") as HTMLElement;
    expect(note.hidden).toBe(true);
    const said = { note: "small offline model", note_details: "Take a larger one." };
    host.change({ status: { ...host.current.status, ...said } });
    await settle();
    expect([note.hidden, note.textContent]).toEqual([false, "small offline model"]);
    expect(tipOf(note)).toBe("Take a larger one.");
    const message = "labels has no names of this video's frames; they are matched by the number";
    host.change({ status: { ...host.current.status, message } });
    await settle();
    expect(note.hidden).toBe(true); // they would both be cut short
  });

  it("shows all of what is said at the foot where it is cut short", async () => {
    const status = element.querySelector(".s2w-status") as HTMLElement;
    for (const [width, tip] of [
      [40, "Ready"],
      [400, ""],
    ] as const) {
      Object.defineProperty(status, "clientWidth", { value: width, configurable: true });
      Object.defineProperty(status, "scrollWidth", { value: 300, configurable: true });
      status.dispatchEvent(new Event("pointerenter"));
      expect(tipOf(status)).toBe(tip);
    }
  });

  it("is no time for images that have nothing to do with each other", async () => {
    host.change({ video: { ...host.current.video, kind: "images" } });
    await settle();
    expect(button("Play").hidden).toBe(true);
    expect(button("Next frame").hidden).toBe(false);
    expect(button("Propagate").closest<HTMLElement>(".s2w-slot")?.hidden).toBe(true);
  });

  it("locks and shows alone", async () => {
    button("Lock Object 1").click();
    expect(host.of("update_object")).toMatchObject([{ object: 1, locked: true }]);
    button("Show Object 1 alone").click();
    await settle();
    expect(button("Show all objects").getAttribute("aria-pressed")).toBe("true");
  });

  it("explains every key", () => {
    const dialog = element.querySelector("dialog") as HTMLDialogElement;
    dialog.showModal = vi.fn();
    button("Keys").click();
    expect(dialog.showModal).toHaveBeenCalled();
    for (const text of ["Play or pause", "Accept the mask", "Undo", "Rejected"])
      expect(dialog.textContent).toContain(text);
  });
});

describe("following", () => {
  const progress = (frame: number) => ({
    ...{ type: "progress", running: true, frame, done: 3, total: 20 },
    ...{ fps: 4, eta_s: 4.25, elapsed_s: 0.75, direction: "forward" },
  });
  const slider = () => element.querySelector('[aria-label="Frame"]') as HTMLInputElement;

  it("ends when the slider is moved, and goes on when asked to", async () => {
    host.receive(progress(5));
    await settle();
    expect(slider().value).toBe("5");
    slider().value = "2";
    slider().dispatchEvent(new Event("input"));
    host.receive(progress(6));
    await settle();
    expect(root().dataset.frame).toBe("2");
    expect(button("Follow").getAttribute("aria-pressed")).toBe("false");
    button("Follow").click();
    await settle();
    expect(root().dataset.frame).toBe("6");
  });

  it("says at the end how many frames were tracked, not how many when it was last told", async () => {
    const said = () => element.querySelector("[aria-live=polite].s2w-unseen")?.textContent;
    host.receive(progress(5));
    await settle();
    expect(said()).toBe("Propagating");
    host.receive({ ...progress(19), running: false, done: 20 });
    await settle();
    expect(said()).toBe("Propagated 20 frames");
  });

  it("tells how far, how fast and how long", async () => {
    host.receive(progress(5));
    await settle();
    expect(element.textContent).toContain("3 / 20 · 4.0 frames/s · 5 s left");
  });
});

describe("the list of objects", () => {
  it("changes a name when it is edited, and not to nothing", () => {
    const name = element.querySelector('[aria-label="Name of Object 1"]') as HTMLInputElement;
    for (const value of ["Swan", "  "]) {
      name.value = value;
      name.dispatchEvent(new Event("change"));
    }
    expect(host.of("update_object")).toMatchObject([{ object: 1, name: "Swan" }]);
    expect(name.value).toBe("Object 1");
  });

  it("keeps its rows, and the focus in them, when something else changes", async () => {
    button("Select Object 1").focus();
    const [first] = host.current.objects;
    const second = objectOf(2, "#ff0000");
    host.change({ objects: first ? [first, second] : [] });
    await settle();
    expect(document.activeElement).toBe(button("Select Object 1"));
    button("Select Object 2").click();
    await settle();
    expect(host.written).toContainEqual(["selected", 2]);
    button("Remove object").click();
    expect(host.of("remove_object")).toMatchObject([{ object: 2 }]);
  });
});

describe("keys", () => {
  const press = (key: string, init: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
    stage().dispatchEvent(event);
    return event;
  };

  it("move in time and do not reach the notebook", async () => {
    const outside = vi.fn();
    document.body.addEventListener("keydown", outside);
    expect(press("ArrowRight").defaultPrevented).toBe(true);
    press("ArrowRight", { shiftKey: true });
    await settle();
    expect(root().dataset.frame).toBe("11");
    expect(host.written).toContainEqual(["frame", 11]);
    expect(outside).not.toHaveBeenCalled();
    document.body.removeEventListener("keydown", outside);
  });

  it("undo and redo", () => {
    press("z", { ctrlKey: true });
    press("Z", { ctrlKey: true, shiftKey: true });
    expect(host.sent.map((m) => m.type)).toEqual(["undo", "redo"]);
  });

  it("that mean nothing here stay the notebook's", () => {
    expect(press("x").defaultPrevented).toBe(false);
    expect(press("s", { ctrlKey: true }).defaultPrevented).toBe(false);
  });

  it("of a text that is being typed are neither ours nor the notebook's", () => {
    const outside = vi.fn();
    element.addEventListener("keydown", outside);
    const name = element.querySelector('input[type="text"]') as HTMLInputElement;
    const event = new KeyboardEvent("keydown", { key: "b", bubbles: true, cancelable: true });
    name.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
    expect(outside).not.toHaveBeenCalled();
  });

  it("choose tools and objects, and end a propagation", async () => {
    press("m");
    press("c");
    await settle();
    expect(button("Negative point").getAttribute("aria-pressed")).toBe("true");
    host.change({
      status: { state: "propagating", message: "", model: "nano", device: "cpu", click_ms: 0 },
    });
    press("Escape");
    expect(host.sent.map((m) => m.type)).toEqual(["add_object", "stop"]);
  });
});

describe("the kernel", () => {
  it("moves the view when code sets the frame", async () => {
    host.change({ frame: 6 });
    await settle();
    expect(root().dataset.frame).toBe("6");
  });

  it("has its sentences shown in place, until they are dismissed", async () => {
    host.receive({ type: "error", reply_to: null, text: "The box lies outside the frame." });
    await settle();
    const alert = element.querySelector('[role="alert"]') as HTMLElement;
    expect(alert.hidden).toBe(false);
    expect(alert.textContent).toContain("The box lies outside the frame.");
    button("Dismiss").click();
    await settle();
    expect(alert.hidden).toBe(true);
  });

  it("does not undo a selection with traits it has not got yet", async () => {
    const second = objectOf(2, "#ff0000");
    host.change({ objects: [...host.current.objects, second] });
    await settle();
    button("Select Object 2").click();
    host.change({
      status: { state: "working", message: "", model: "nano", device: "cpu", click_ms: 0 },
    });
    await settle();
    expect(host.current.selected).toBe(2);
  });

  it("is told when the view goes", () => {
    unmount();
    expect(host.of("visible")).toMatchObject([{ visible: false }]);
    expect(element.querySelector(".sam2widget")).toBeNull();
  });
});

it("tells times as frames were recorded, which a stack is not played by", async () => {
  const { video } = host.current;
  host.change({ video: { ...video, fps: 25, interval_s: 300 }, frame: 2 });
  await settle();
  const slider = element.querySelector('[aria-label="Frame"]') as HTMLElement;
  expect(slider.getAttribute("aria-valuetext")).toBe("Frame 2 of 19, 600.00 s");
  expect(element.querySelector(".s2w-timecode")?.textContent).toBe("10:00.00");
});
