import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { settle } from "./fake-host";
import { Mounted } from "./mounted";

const PROGRESS = {
  ...{ type: "progress", frame: 3, fps: 4, eta_s: 4.25, elapsed_s: 61, direction: "forward" },
};
const MODELS = {
  type: "models",
  reply_to: { view: "", id: 1 },
  models: [
    { name: "nano", label: "nano", state: "bundled", size_bytes: 10_800_000 },
    { name: "sam2.1-hiera-tiny", label: "SAM 2.1 tiny", state: "cached", size_bytes: 156e6 },
    { name: "sam2.1-hiera-large", label: "SAM 2.1 large", state: "download", size_bytes: 898e6 },
  ],
  memories: [
    { name: "plain", purpose: "as SAM 2" },
    { name: "motion", purpose: "for what moves among others like it" },
    { name: "mine", purpose: "" },
  ],
};
const TIMELINE = {
  ...{ type: "timeline", object: 1, prompted: [0], accepted: [], rejected: [] },
  ...{ tracked: [], stale: [] },
};

let view: Mounted;
const find = (selector: string) => view.element.querySelector(selector) as HTMLElement;
const line = () => find(".s2w-next-text").textContent ?? "";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "setTimeout", "clearInterval", "performance"] });
  view = new Mounted();
});
afterEach(() => {
  view.close();
  vi.useRealTimers();
});

/** A frame arrives at the view. */
async function open(): Promise<void> {
  const frame = { ...{ type: "frame", seq: 1, frame: 0, towards: null }, reduced: false };
  view.host.receive({ ...frame, reply_to: { view: "", id: 1 } }, [new ArrayBuffer(4)]);
  await settle();
}

async function change(status: object): Promise<void> {
  view.host.change({ status: { ...view.host.current.status, ...status } });
  await settle();
}

describe("before the first frame", () => {
  it("says what is opened and loaded", async () => {
    view.close();
    view = new Mounted();
    await change({ state: "loading", message: "Loading SAM 2.1 tiny" });
    expect(find(".s2w-skeleton").textContent).toBe("Opening clipLoading SAM 2.1 tiny");
    expect(line()).toBe("Loading SAM 2.1 tiny");
    expect(find(".s2w-start").hidden).toBe(true);
    vi.advanceTimersByTime(3000);
    expect(find(".s2w-next-clock").textContent).toBe("3 s");
    await change({ state: "ready", message: "" });
    expect(find(".s2w-next-clock").hidden).toBe(true);
  });

  it("says after a while that there is no kernel", () => {
    vi.advanceTimersByTime(13_000);
    expect(find(".s2w-skeleton").textContent).toContain("No kernel answers");
  });

  it("shows a download, which can be cancelled", async () => {
    const download = { done_bytes: 45e6, total_bytes: 156e6, eta_s: 22 };
    await change({ state: "loading", message: "Loading SAM 2.1 tiny", download });
    expect(line()).toBe("Downloading SAM 2.1 tiny: 45 MB of 156 MB · 25 s left");
    expect((find(".s2w-next progress") as HTMLProgressElement).value).toBeCloseTo(45 / 156);
    view.button("Cancel the model").click();
    expect(view.host.of("cancel_model")).toHaveLength(1);
  });
});

describe("the start card", () => {
  beforeEach(async () => {
    view.close();
    view = new Mounted(80, 40, false, { objects: [], selected: 0 });
    await open();
  });

  it("shows three ways to begin until the first prompt, and takes no click", async () => {
    const card = find(".s2w-start");
    expect(find(".s2w-skeleton").hidden).toBe(true);
    expect(card.hidden).toBe(false);
    expect(card.querySelectorAll("b")).toHaveLength(3);
    expect(card.querySelector("button")).toBeNull();
    view.gesture([[40, 20]]);
    await settle();
    expect(view.host.of("click")).toHaveLength(1);
    expect(card.hidden).toBe(true);
    view.host.change({ objects: [] });
    await settle();
    expect(card.hidden).toBe(true);
  });

  it("is faint where the pointer is over it", () => {
    const card = find(".s2w-start");
    card.getBoundingClientRect = () => new DOMRect(10, 20, 60, 15);
    view.point("move", [30, 25]);
    expect(card.classList.contains("s2w-faint")).toBe(true);
    view.point("move", [30, 5]);
    expect(card.classList.contains("s2w-faint")).toBe(false);
  });
});

describe("the end of a propagation", () => {
  beforeEach(async () => {
    view.host.receive(TIMELINE);
    await open();
  });

  it("that was stopped can be continued as it was begun", async () => {
    view.press("i");
    view.button("Propagate forward").click();
    const [asked] = view.host.of("propagate");
    view.host.receive({ ...PROGRESS, running: true, done: 3, total: 20 });
    await settle();
    expect(line()).toContain("Escape stops");
    view.host.receive({ ...PROGRESS, running: false, done: 3, total: 20 });
    await settle();
    expect(line()).toBe("Stopped at 3 of 20.");
    find(".s2w-next .s2w-link").click();
    expect(view.host.of("propagate")[1]).toMatchObject({
      ...{ direction: "forward", objects: null },
      ...{ start: (asked as { start?: number }).start, stop: 20 },
    });
    await settle();
    expect(line()).not.toContain("Stopped");
  });

  it("says how long it took and what is worth a look, and leads there", async () => {
    view.host.receive({ ...TIMELINE, tracked: [[1, 20]] });
    const levels = new Uint8Array(20).fill(250);
    levels.fill(9, 4, 6);
    levels.fill(9, 14, 15);
    view.host.receive({ type: "confidence", object: 1, start: 0 }, [levels.buffer]);
    view.host.receive({ ...PROGRESS, running: false, done: 19, total: 19 });
    await settle();
    expect(line()).toBe("Tracked 19 frames in 1 min 1 s · 2 places worth a look");
    find(".s2w-next .s2w-link").click();
    expect(view.host.of("next_unreviewed")).toHaveLength(1);
  });
});

describe("the menu of models", () => {
  const items = () => [...view.element.querySelectorAll<HTMLElement>("[data-model]")];
  const open_ = async () => {
    find("button.s2w-model").click();
    view.host.receive(MODELS);
    await settle();
  };

  it("asks which there are, and says what each takes", async () => {
    await open_();
    expect(view.host.of("want_models")).toHaveLength(1);
    expect(items().map((item) => item.textContent)).toEqual([
      "nanoin use",
      "SAM 2.1 tinyon this machine · 156 MB",
      "SAM 2.1 largedownload of 898 MB",
    ]);
    expect(items()[0]?.getAttribute("aria-checked")).toBe("true");
  });

  it("switches to what is chosen, and does nothing for the one in use", async () => {
    await open_();
    items()[0]?.click();
    expect(view.host.of("set_model")).toHaveLength(0);
    await open_();
    items()[1]?.click();
    expect(view.host.of("set_model")).toMatchObject([{ model: "sam2.1-hiera-tiny" }]);
    expect(find(".s2w-model-menu").hidden).toBe(true);
    await change({ switching: "SAM 2.1 tiny" });
    expect(line()).toBe("Loading SAM 2.1 tiny; nano goes on meanwhile");
    await change({ switching: "", model: "sam2.1-hiera-tiny" });
    expect(line()).not.toContain("Loading");
    expect(find("button.s2w-model").textContent).toBe("sam2.1-hiera-tiny · cpu");
  });

  it("offers the memory policies, and asks for the one that is chosen", async () => {
    await open_();
    const select = find(".s2w-model-menu select") as HTMLSelectElement;
    expect(find(".s2w-memory").hidden).toBe(true); // the model follows none that has a name
    await change({ memory: "plain" });
    expect(find(".s2w-memory").hidden).toBe(false);
    expect([...select.options].map((option) => option.textContent)).toEqual([
      "plain: as SAM 2",
      "motion: for what moves among others like it",
      "mine",
    ]);
    expect(select.value).toBe("plain");
    select.value = "motion";
    select.dispatchEvent(new Event("change"));
    expect(view.host.of("set_memory")).toMatchObject([{ memory: "motion" }]);
    await change({ memory: "motion:min_iou=0.4" });
    expect(select.value).toBe("motion:min_iou=0.4");
    expect(select.options).toHaveLength(4);
  });

  it("takes a path, and lists a model that it does not know by its name", async () => {
    await open_();
    const input = find(".s2w-model-menu input") as HTMLInputElement;
    input.value = " /models/mine.pt ";
    input.form?.dispatchEvent(new Event("submit", { cancelable: true }));
    expect(view.host.of("set_model")).toMatchObject([{ model: "/models/mine.pt" }]);
    await change({ model: "mine" });
    await open_();
    expect(items()[0]?.textContent).toBe("minein use");
  });

  it("is left with Escape, which stops nothing then, and walked through with arrows", async () => {
    await open_();
    const press = (key: string) => {
      const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
      document.activeElement?.dispatchEvent(event);
    };
    expect(document.activeElement).toBe(items()[0]);
    press("ArrowDown");
    expect(document.activeElement).toBe(items()[1]);
    press("ArrowUp");
    press("ArrowUp");
    expect(document.activeElement?.textContent).toBe("Load");
    press("ArrowUp");
    expect(document.activeElement).toBe(find(".s2w-model-menu input"));
    press("Escape");
    expect(find(".s2w-model-menu").hidden).toBe(true);
    expect(document.activeElement).toBe(find("button.s2w-model"));
    expect(view.host.of("stop")).toHaveLength(0);
  });
});

describe("a better model", () => {
  const mask = (iou: number) => ({
    ...{ type: "masks", seq: 2, reply_to: null, frame: 0, complete: true },
    masks: [{ object: 1, score: 3, iou, source: "prompt", state: "fresh", area: 2 }],
  });
  const prompts = { type: "prompts", frame: 0, object: 1, points: [[1, 1, 1]], box: null };
  const show = async (iou: number) => {
    view.host.receive({ ...prompts, mask: false });
    view.host.receive(mask(iou), [new Uint32Array([8, 2, 22]).buffer]);
    await settle();
  };
  const offered = () => line().includes("better");

  beforeEach(async () => {
    await change({ note: "small", note_model: "sam2.1-hiera-tiny", note_label: "SAM 2.1 tiny" });
    view.host.receive(TIMELINE);
    await open();
  });

  it("is offered where the small one is unsure, and used on demand", async () => {
    await show(0.41);
    expect(line()).toContain("Only 41 % sure");
    find(".s2w-next .s2w-link").click();
    expect(view.host.of("set_model")).toMatchObject([{ model: "sam2.1-hiera-tiny" }]);
    await settle();
    expect(offered()).toBe(false);
  });

  it("is not offered where the mask is good, nor by a model without a better one", async () => {
    await show(0.9);
    expect(offered()).toBe(false);
    await change({ note_model: undefined });
    await show(0.2);
    expect(offered()).toBe(false);
  });

  it("is offered once", async () => {
    await show(0.41);
    view.button("Not now").click();
    expect(offered()).toBe(false);
    await show(0.3);
    expect(offered()).toBe(false);
  });
});
