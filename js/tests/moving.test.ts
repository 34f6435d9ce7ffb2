/** What a frame costs while the view moves: messages, changes of the page, and looks at its layout. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SentRequest } from "../src/kernel/protocol";
import { objectOf } from "./fake-host";
import { Mounted } from "./mounted";

const FPS = 25;
const TICK_MS = 1000 / 60;
const RUNS = new Uint32Array([0, 4, 4, 4, 4, 4, 4, 4, 4]);
const FAKED = [
  ...(["setTimeout", "clearTimeout", "performance"] as const),
  ...(["requestAnimationFrame", "cancelAnimationFrame"] as const),
];
/** What a page has to be laid out for before it is known. */
const LAYOUT: (keyof HTMLElement)[] = [
  ...(["clientWidth", "clientHeight", "offsetWidth", "offsetHeight"] as const),
  ...(["scrollWidth", "scrollHeight", "scrollTop"] as const),
];

let view: Mounted;
let answered: number;
let changes: MutationRecord[];
let observer: MutationObserver;
/** How often each canvas was begun anew. */
let cleared: Map<HTMLCanvasElement, number>;
/** Scores are others on each frame, or all the same. */
let iouOf: (frame: number) => number;

const root = () => view.element.querySelector(".sam2widget") as HTMLElement;
const moved = () => Number(root().dataset.frame);

/** The kernel's part: masks and pixels of all that is wanted. */
function answer(): void {
  const { host } = view;
  for (; answered < host.sent.length; answered++) {
    const request = host.sent[answered];
    if (request?.type !== "want") continue;
    for (const [n, frame] of [request.frame, ...(request.then ?? [])].entries())
      tell(request, frame, request.id + n);
  }
}

function tell(request: SentRequest & { type: "want" }, frame: number, id: number): void {
  const { host } = view;
  const masks = host.current.objects.map(({ id: object }) => {
    const seen = { score: 1, iou: iouOf(frame), source: "track", state: "fresh", area: 16 };
    return { object, ...seen };
  });
  const seq = 2 * id;
  const batch = { type: "masks", seq, reply_to: null, frame, complete: true, masks };
  host.receive(
    batch,
    masks.map(() => new DataView(RUNS.slice().buffer)),
  );
  const picture = { reply_to: { view: request.view, id }, frame, towards: null };
  const jpeg = { type: "frame", seq: seq + 1, ...picture, reduced: request.moving === true };
  if (request.pixels) host.receive(jpeg, [new ArrayBuffer(4)]);
}

async function pass(ms: number): Promise<void> {
  for (let at = 0; at < ms; at += TICK_MS) {
    answer();
    await vi.advanceTimersByTimeAsync(TICK_MS);
    changes.push(...observer.takeRecords());
  }
}

/** A context that takes all there is to draw. */
function penOf(canvas: HTMLCanvasElement): unknown {
  const known: Record<string | symbol, unknown> = {
    ...{ canvas, measureText: () => ({ width: 10 }) },
    clearRect: () => cleared.set(canvas, (cleared.get(canvas) ?? 0) + 1),
  };
  return new Proxy(known, {
    get: (target, name) => (name in target ? target[name] : () => penOf(canvas)),
  });
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: FAKED });
  const bitmap = { width: 8, height: 4, close: () => {} };
  vi.stubGlobal("createImageBitmap", () => Promise.resolve(bitmap));
  vi.stubGlobal(
    "Path2D",
    class {
      moveTo() {}
      lineTo() {}
      closePath() {}
    },
  );
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (
    this: HTMLCanvasElement,
  ) {
    return penOf(this) as never;
  });
  [answered, changes, cleared] = [0, [], new Map()];
  iouOf = (frame) => 0.5 + frame / 1000;
  observer = new MutationObserver((records) => changes.push(...records));
  const objects = [1, 2, 3, 4, 5].map((id) => objectOf(id));
  view = new Mounted(80, 40, false, { objects });
  const { video } = view.host.current;
  view.host.change({ video: { ...video, num_frames: 400, fps: FPS } });
  answered = view.host.sent.length;
  view.press("Home");
  await pass(1000);
});
afterEach(() => {
  observer.disconnect();
  view.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Play for two seconds; gives how many frames were painted. */
async function play(): Promise<number> {
  view.press(" ");
  await pass(1000); // until the first are here
  const from = moved();
  view.host.sent = [];
  view.host.written = [];
  [answered, changes] = [0, []];
  const all = { attributes: true, characterData: true, childList: true, subtree: true };
  observer.observe(root(), all);
  await pass(2000);
  const count = moved() - from;
  expect(count).toBeGreaterThan(1.9 * FPS);
  return count;
}

describe("playing", () => {
  it("sends one message for two frames, which tells what was drawn too", async () => {
    const count = await play();
    const { host } = view;
    expect(host.of("want").length).toBeLessThanOrEqual(count / 2 + 2);
    expect(host.of("ack")).toEqual([]);
    const told = host.of("want").flatMap((one) => (one.type === "want" ? (one.drawn ?? []) : []));
    expect(told.length).toBeGreaterThan(1.9 * count); // of pixels and masks
    expect(new Set(told).size).toBe(told.length);
    expect(host.sent.length).toBeLessThanOrEqual(count / 2 + 3); // a sign of life may be among them
  });

  it("writes the frame to the kernel's widget four times a second, and where it stops", async () => {
    await play();
    const { written } = view.host;
    expect(written.length).toBeGreaterThanOrEqual(7);
    expect(written.length).toBeLessThanOrEqual(9);
    view.press(" ");
    await pass(TICK_MS);
    expect(view.host.written.at(-1)).toEqual(["frame", moved()]);
  });

  it("changes of the page what differs, and nothing that stays as it is", async () => {
    iouOf = () => 0.5;
    const count = await play();
    const names = changes.map(({ type, attributeName, target }) =>
      type === "attributes"
        ? `${attributeName} of ${(target as Element).className || target.nodeName}`
        : "text",
    );
    expect([...new Set(names)].sort()).toEqual([
      "aria-valuetext of INPUT",
      "data-frame of sam2widget s2w-drawn",
      "data-frame-drawn of sam2widget s2w-drawn",
      "data-masks-drawn of sam2widget s2w-drawn",
      "data-masks-of of sam2widget s2w-drawn",
      "style of s2w-playhead",
      "text",
    ]);
    expect(names.filter((name) => name === "text").length).toBeLessThanOrEqual(2 * count); // time
    expect(changes.length).toBeLessThanOrEqual(10 * (count + 1));
  });

  it("paints each picture once, and not the canvas above it, which is empty", async () => {
    view.press(" ");
    await pass(1000);
    cleared.clear();
    const from = moved();
    await pass(1000);
    const [picture, overlay] = root().querySelectorAll<HTMLCanvasElement>(".s2w-screen canvas");
    expect(cleared.get(picture as HTMLCanvasElement)).toBe(moved() - from);
    expect(cleared.get(overlay as HTMLCanvasElement)).toBeUndefined();
  });

  it("writes the scores of a frame once", async () => {
    const count = await play();
    const scores = changes.filter(({ target }) => {
      const element = target instanceof Element ? target : target.parentElement;
      return element?.closest(".s2w-score");
    });
    expect(scores.length).toBeGreaterThan(0);
    // Of five objects a text, a tooltip and a description.
    expect(scores.length).toBeLessThanOrEqual(5 * 4 * (count + 1));
  });

  it("never looks at the layout", async () => {
    let looks = 0;
    const rect = Element.prototype.getBoundingClientRect;
    const count = () => looks++;
    vi.spyOn(Element.prototype, "getBoundingClientRect").mockImplementation(function (
      this: Element,
    ) {
      count();
      return rect.call(this);
    });
    const stageRect = view.stage.getBoundingClientRect;
    view.stage.getBoundingClientRect = () => {
      count();
      return stageRect.call(view.stage);
    };
    for (const name of LAYOUT)
      vi.spyOn(HTMLElement.prototype, name as "clientWidth", "get").mockImplementation(() => {
        count();
        return 0;
      });
    view.press(" ");
    await pass(300);
    looks = 0;
    const from = moved();
    await pass(1000);
    expect(moved() - from).toBeGreaterThan(0.9 * FPS);
    expect(looks).toBe(0);
  });
});

describe("scrubbing", () => {
  it("sends a message for each frame that it asks for, and paints each once", async () => {
    const slider = view.element.querySelector<HTMLInputElement>('[aria-label="Frame"]');
    if (!slider) throw new Error("There is no slider.");
    view.host.sent = [];
    answered = 0;
    changes = [];
    observer.observe(root(), { attributeFilter: ["data-frame", "data-frame-drawn"] });
    for (let frame = 1; frame <= 60; frame++) {
      slider.value = String(frame);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await pass(TICK_MS);
    }
    const painted = changes.filter(({ attributeName }) => attributeName === "data-frame-drawn");
    expect(painted.length).toBeGreaterThan(25);
    expect(painted.length).toBeLessThanOrEqual(60);
    expect(view.host.sent.length).toBeLessThanOrEqual(view.host.of("want").length + 2);
    expect(view.host.of("want").length).toBeLessThanOrEqual(61);
  });
});
