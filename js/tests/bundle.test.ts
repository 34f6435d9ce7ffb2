/** What is built is shortened in many ways: it does what the sources do, and draws what they draw. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import type { Traits } from "../src/state/store";
import { FakeHost, objectOf } from "./fake-host";

const BUNDLE = path.join(__dirname, "../../sam2widget/static/widget.js");
const LIMIT_MS = 60_000;
const DISC = new Uint32Array([9, 3, 5, 3, 12]);

/** As a page gets it, from `npm run build`. */
function bundleUrl(): string {
  return `data:text/javascript;base64,${readFileSync(BUNDLE).toString("base64")}`;
}

type Handler = (content?: unknown, buffers?: unknown[]) => void;
interface Widget {
  render(context: { model: object; el: HTMLElement }): () => void;
}

/** anywidget's model, on the host that the other tests have. */
class Model {
  readonly host = new FakeHost();
  readonly handlers = new Map<string, Set<Handler>>();
  readonly said: unknown[] = [];

  get(name: string): unknown {
    return name === "epoch" ? 1 : this.host.current[name as keyof Traits];
  }
  set(name: string, value: unknown): void {
    this.said.push([name, value]);
    this.host.current = { ...this.host.current, [name]: value };
  }
  save_changes(): void {}
  send(message: object): void {
    this.said.push({ ...message, view: "" });
  }
  on(event: string, handler: Handler): void {
    this.handlers.set(event, (this.handlers.get(event) ?? new Set()).add(handler));
  }
  off(event: string, handler: Handler): void {
    this.handlers.get(event)?.delete(handler);
  }
  receive(content: object, buffers: unknown[] = []): void {
    for (const handler of this.handlers.get("msg:custom") ?? [])
      handler({ epoch: 1, ...content }, buffers);
  }
}

/** A canvas' context that notes what is drawn. */
function recorder(drawn: unknown[], canvas: HTMLCanvasElement): object {
  const results: Record<string, unknown> = {
    measureText: { width: 10 },
    createImageData: { data: new Uint8ClampedArray(256) },
    createPattern: null,
    getTransform: { a: 1 },
  };
  const known: Record<string | symbol, unknown> = { canvas };
  return new Proxy(known, {
    get: (_, name) => {
      if (name in known) return known[name];
      return (...args: unknown[]) => {
        drawn.push([name, ...args.map((arg) => (typeof arg === "object" ? "" : arg))]);
        return results[String(name)];
      };
    },
    set: (_, name, value) => {
      drawn.push([name, typeof value === "object" ? "" : value]);
      known[name] = value;
      return true;
    },
  });
}

/** All that a widget says, shows and draws while it is used, by what was done last. */
async function use(widget: Widget): Promise<[string, string][]> {
  const [model, drawn] = [new Model(), [] as unknown[]];
  const contexts = new WeakMap<object, object>();
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (
    this: HTMLCanvasElement,
  ) {
    if (!contexts.has(this)) contexts.set(this, recorder(drawn, this));
    return contexts.get(this) as never;
  });
  const seen: [string, string][] = [];
  const note = async (what: string) => {
    await vi.advanceTimersByTimeAsync(400);
    seen.push([what, JSON.stringify([model.said.splice(0), drawn.splice(0), el.innerHTML])]);
  };
  const el = document.createElement("div");
  document.body.append(el);
  model.host.current = { ...model.host.current, objects: [objectOf(1), objectOf(2, "#22aa55")] };
  const close = widget.render({ model, el });
  const stage = el.querySelector('[data-role="stage"]') as HTMLCanvasElement;
  await note("opened");
  model.receive({ type: "frame", ...frame() }, [new ArrayBuffer(4)]);
  const mask = { object: 1, score: 3, iou: 0.8, source: "track", state: "fresh", area: 6 };
  const masks = [mask, { ...mask, object: 2, state: "accepted" }];
  const told = { seq: 2, reply_to: null, frame: 0, complete: true, masks };
  model.receive({ type: "masks", ...told }, [DISC.buffer, DISC.buffer]);
  const runs = {
    prompted: [0],
    accepted: [[1, 3]],
    rejected: [[4, 5]],
    tracked: [[5, 9]],
    stale: [],
  };
  model.receive({ type: "timeline", object: 1, ...runs });
  const confidences = new Uint8Array(20).fill(180).buffer;
  model.receive({ type: "confidence", object: 1, start: 0 }, [confidences]);
  const points = { points: [[2, 2, 1]], box: [1, 1, 5, 3], mask: false };
  model.receive({ type: "prompts", frame: 0, object: 1, ...points });
  await note("told");
  model.receive({ type: "frame", ...frame(), seq: "one" }, [new ArrayBuffer(4)]);
  model.receive({ type: "unheard" });
  await note("told what cannot be");
  for (const type of ["pointerdown", "pointermove", "pointerup"]) {
    const init = { clientX: 20, clientY: 20, pointerId: 1, bubbles: true };
    stage.dispatchEvent(new PointerEvent(type, init));
    await note(type);
  }
  for (const key of "0+-bewhnsvaruxiolpjzcm123?\\[]<>".split("").concat(NAMED)) {
    const [name = key, ...held] = key.split("+").reverse().filter(Boolean);
    const init = { key: name, ctrlKey: held.includes("Control"), altKey: held.includes("Alt") };
    const shiftKey = held.includes("Shift");
    const code = /^\d$/.test(name) ? `Digit${name}` : "";
    const all = { ...init, shiftKey, code, bubbles: true, cancelable: true };
    stage.dispatchEvent(new KeyboardEvent("keydown", all));
    await note(`key ${key}`);
  }
  for (const button of el.querySelectorAll("button")) {
    button.click();
    await note(`clicked ${button.getAttribute("aria-label") ?? button.textContent}`);
  }
  close();
  await note("closed");
  el.remove();
  return seen;
}

const NAMED = [
  ...["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageDown", "Enter"],
  ...["Backspace", "Delete", "Escape", "Control+z", "Control+y", "Control+a", "Shift+A"],
  ...["Shift+ArrowRight", "Alt+ArrowRight", "Shift+N", "Shift+Z", "Shift+R", "Alt+0", " ", "t"],
];

const frame = () => {
  const reply_to = { view: "", id: 1 };
  return { seq: 1, reply_to, frame: 0, towards: null, reduced: false };
};

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it(
  "the bundle says, shows and draws what the sources do",
  async () => {
    vi.useFakeTimers({ now: 1e6 });
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    vi.stubGlobal("createImageBitmap", async () => ({ width: 8, height: 4, close: () => {} }));
    vi.stubGlobal(
      "Path2D",
      class {
        moveTo() {}
        lineTo() {}
        closePath() {}
        rect() {}
        arc() {}
        addPath() {}
      },
    );
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        observe() {}
        disconnect() {}
      },
    );
    vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(
      new DOMRect(0, 0, 80, 40),
    );
    for (const [name, value] of [
      ["clientWidth", 80],
      ["clientHeight", 40],
    ] as const)
      vi.spyOn(HTMLElement.prototype, name, "get").mockReturnValue(value);
    const sources = await use((await import("../src/index")).default as never);
    localStorage.clear();
    vi.setSystemTime(1e6);
    const bundle = await use((await import(/* @vite-ignore */ bundleUrl())).default);
    expect(bundle.map(([what]) => what)).toEqual(sources.map(([what]) => what));
    for (const [n, [what, said]] of bundle.entries()) expect([what, said]).toEqual(sources[n]);
    expect(sources.length).toBeGreaterThan(80);
    expect(new Set(sources.map(([, said]) => said)).size).toBeGreaterThan(40);
  },
  LIMIT_MS,
);
