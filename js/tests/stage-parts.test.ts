import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../src/kernel/client";
import type { SentRequest } from "../src/kernel/protocol";
import { Store } from "../src/state/store";
import { FakeHost, objectOf, settle, viewState } from "./fake-host";
import { Mounted } from "./mounted";

let view: Mounted;

beforeEach(() => {
  localStorage.clear();
  view = new Mounted(80, 40, true);
});
afterEach(() => view.close());

const clickMs = async (click_ms: number) => {
  view.host.change({ status: { ...view.host.current.status, click_ms } });
  await settle();
};
const bar = () => view.element.querySelector(".s2w-bar") as HTMLElement;
const left = new Uint32Array([8, 2, 22]).buffer; // pixels (0, 1) and (1, 1) of 8 x 4
const right = new Uint32Array([14, 2, 16]).buffer; // pixels (6, 1) and (7, 1)

describe("hover previews", () => {
  const replyTo = (request: SentRequest | undefined) => ({ ...request, type: undefined });
  const answer = async (request: SentRequest | undefined, mask = left) => {
    const { view: of, id } = replyTo(request) as { view: string; id: number };
    const reply_to = { view: of, id };
    view.host.receive({ type: "preview", reply_to, frame: 0, iou: 0.9 }, [mask]);
    view.host.receive({ type: "done", reply_to });
    await settle();
  };

  it("are on where a click is quick, off else, and as they were left", async () => {
    view.point("move", [10, 15]);
    await clickMs(81);
    view.point("move", [11, 15]);
    expect(view.host.sent).toEqual([]);
    await clickMs(80);
    view.point("move", [12, 15]);
    expect(view.host.of("hover")).toMatchObject([{ frame: 0, object: 1, x: 1.2, y: 1.5 }]);
    view.button("Preview").click();
    view.close();
    view = new Mounted();
    await clickMs(10);
    view.point("move", [12, 15]);
    expect(view.host.of("hover")).toEqual([]);
    expect(view.button("Preview").getAttribute("aria-pressed")).toBe("false");
  });

  it("are asked for one at a time, the newest place next", async () => {
    await clickMs(20);
    for (const x of [10, 11, 12, 13]) view.point("move", [x, 15]);
    const hovers = () => view.host.of("hover").map((m) => m.type === "hover" && m.x);
    expect(hovers()).toEqual([1]);
    await answer(view.host.of("hover")[0]);
    expect(hovers()).toEqual([1, 1.3]);
    await answer(view.host.of("hover")[1]);
    expect(hovers()).toEqual([1, 1.3]);
  });

  it("are not asked for with a button down, a brush, or over one's own point", async () => {
    await clickMs(20);
    view.host.receive({
      ...{ type: "prompts", frame: 0, object: 1, points: [[2.5, 1.5, 1]], box: null, mask: false },
    });
    await settle();
    view.point("move", [25, 15]);
    view.point("down", [60, 20]);
    view.point("move", [50, 30]);
    view.press("Escape");
    view.point("up", [50, 30]);
    view.button("Brush").click();
    await settle();
    view.point("move", [60, 20]);
    expect(view.host.of("hover")).toEqual([]);
  });

  it("go on after one that failed, without an alarm", async () => {
    await clickMs(20);
    view.point("move", [10, 15]);
    const { view: of, id } = view.host.of("hover")[0] as SentRequest;
    view.point("move", [70, 15]);
    view.host.receive({ type: "error", reply_to: { view: of, id }, text: "Too late." });
    await settle();
    expect(view.host.of("hover")).toHaveLength(2);
    expect(view.element.querySelector<HTMLElement>('[role="alert"]')?.hidden).toBe(true);
  });
});

describe("a preview", () => {
  const setUp = () => {
    const host = new FakeHost();
    const store = new Store(viewState(host));
    const client = new Client(host, store);
    const over = (x: number) =>
      client.hovering.over({ frame: 0, object: 1, x, y: 1.5 }, 0.5 /* pixels */);
    const answer = () => {
      const { view: of, id } = host.of("hover").at(-1) as SentRequest;
      host.receive({ type: "preview", reply_to: { view: of, id }, frame: 0, iou: 0.9 }, [left]);
      return store.state.preview;
    };
    return { store, client, over, answer };
  };

  it("is shown where the pointer is, or on the mask that it shows", () => {
    const { store, over, answer } = setUp();
    over(0.5);
    expect(answer()).toMatchObject({ x: 0.5, y: 1.5, iou: 0.9 });
    over(1.9);
    expect(store.state.preview).not.toBeNull();
    over(3.5);
    expect(store.state.preview).toBeNull();
  });

  it("that is answered too late is never shown", () => {
    const { client, over, answer } = setUp();
    over(0.5);
    over(5.5);
    expect(answer()).toBeNull();
    client.hovering.forget();
    expect(answer()).toBeNull();
    over(0.5);
    client.prompt({ type: "click", frame: 0, object: 1, x: 5, y: 1, label: 1 });
    expect(answer()).toBeNull();
  });
});

describe("candidates", () => {
  const offer = async (ious = [0.8, 0.9, 0.7]) => {
    const content = { type: "candidates", frame: 0, object: 1, chosen: 1, ious };
    view.host.receive(
      content,
      ious.map(() => left),
    );
    await settle();
  };
  const strip = () => view.element.querySelector(".s2w-candidates") as HTMLElement;

  it("are shown with their predicted IoU, the chosen one marked", async () => {
    expect(strip().hidden).toBe(true);
    await offer();
    expect(strip().hidden).toBe(false);
    expect([...strip().children].map((b) => b.getAttribute("aria-pressed"))).toEqual([
      ...["false", "true", "false"],
    ]);
    expect(view.button("Mask 2, predicted IoU 0.90").textContent).toContain("0.90");
  });

  it("are chosen by a click, and by a key that else selects an object", async () => {
    view.press("3");
    await offer();
    view.button("Mask 1, predicted IoU 0.80").click();
    view.press("3");
    view.press("2", { altKey: true });
    expect(view.host.of("choose")).toMatchObject([
      { frame: 0, object: 1, index: 0 },
      { index: 2 },
      { index: 1 },
    ]);
  });

  it("go with Escape, the next prompt, another object, and when the kernel says so", async () => {
    await offer();
    view.press("Escape");
    await settle();
    expect(strip().hidden).toBe(true);
    await offer();
    view.gesture([[60, 20]]);
    await settle();
    expect(strip().hidden).toBe(true);
    await offer();
    await offer([]);
    expect(strip().hidden).toBe(true);
    await offer();
    const second = objectOf(2, "#ff0000");
    view.host.change({ objects: [...view.host.current.objects, second], selected: 2 });
    await settle();
    expect(strip().hidden).toBe(true);
  });
});

describe("the everything mode", () => {
  const propose = async () => {
    const entry = { iou: 0.9, stability: 0.9, area: 2 };
    const proposals = [
      { id: 4, ...entry },
      { id: 7, ...entry },
    ];
    view.host.receive({ type: "proposals", frame: 0, proposals }, [left, right]);
    await settle();
  };

  beforeEach(async () => {
    view.button("Everything").click();
    await settle();
  });

  it("asks about the frame once and says so", async () => {
    expect(view.host.of("propose")).toMatchObject([{ frame: 0, text: "" }]);
    expect(bar().textContent).toContain("Segmenting everything");
    await propose();
    expect(bar().textContent).toContain("2 proposals, 0 selected");
    expect(view.button("Add as objects").disabled).toBe(true);
  });

  it("finds what is written, and keys of the view are letters meanwhile", async () => {
    await propose();
    const words = view.element.querySelector<HTMLInputElement>('[aria-label="Find by words"]');
    const press = (key: string) =>
      words?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
    press("Enter");
    expect(view.host.of("propose")).toHaveLength(1); // nothing is written yet
    if (words) words.value = " small man ";
    press("m");
    press("Enter");
    await settle();
    expect(view.host.of("propose")).toMatchObject([{}, { frame: 0, text: "small man" }]);
    expect(view.host.of("adopt")).toEqual([]);
    expect(bar().textContent).toContain("Looking for small man…");
    await propose();
    expect(bar().textContent).toContain("2 proposals, 0 selected");
  });

  it("looks for words on all frames, and what is found can be taken meanwhile", async () => {
    view.host.receive({ type: "proposals", frame: 0, proposals: [] });
    await settle();
    const words = view.element.querySelector<HTMLInputElement>('[aria-label="Find by words"]');
    if (!words) throw new Error("There is no field.");
    view.element.querySelector<HTMLInputElement>(".s2w-bar-scope input")?.click();
    words.value = "zebra";
    words.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await settle();
    expect(view.host.of("propose")[1]).toMatchObject({ text: "zebra", video: true });
    expect(bar().textContent).toContain("Looking for zebra on all frames…");
    await propose();
    expect(bar().textContent).toContain("2 proposals, 0 selected");
    const actions = view.element.querySelector<HTMLElement>(".s2w-bar .s2w-bar-actions");
    expect(actions?.hidden).toBe(false);
  });

  it("selects by clicks, and adopts, merges or rejects what is selected", async () => {
    await propose();
    view.gesture([[15, 15]]);
    view.gesture([[65, 15]]);
    await settle();
    expect(bar().textContent).toContain("2 selected");
    view.press("Enter");
    view.press("m");
    view.gesture([[15, 15]]);
    await settle();
    view.press("Delete");
    await settle();
    const frame = 0;
    expect(view.host.sent.slice(1)).toMatchObject([
      { type: "adopt", frame, proposals: [4, 7], merge: false, object: null },
      { type: "adopt", frame, proposals: [4, 7], merge: true, object: null },
      { type: "dismiss", frame, proposals: [7] },
    ]);
    expect(bar().textContent).toContain("1 proposal, 0 selected");
  });

  it("forgets what is selected on another frame", async () => {
    await propose();
    view.button("Mark all proposals").click();
    view.host.change({ frame: 3 });
    await settle();
    view.host.change({ frame: 0 });
    await settle();
    expect(bar().textContent).toContain("2 proposals, 0 selected");
  });

  it("puts no points, and gives its keys back with its end", async () => {
    await propose();
    view.button("Mark all proposals").click();
    await settle();
    view.gesture([[40, 35]]);
    expect(view.host.of("click")).toEqual([]);
    view.press("p");
    await settle();
    expect(bar().hidden).toBe(true);
    view.press("m");
    await settle();
    expect(view.button("Negative point").getAttribute("aria-pressed")).toBe("true");
    expect(view.host.of("adopt")).toEqual([]);
  });

  it("says when nothing came, and asks again when told to", async () => {
    const { view: of, id } = view.host.of("propose")[0] as SentRequest;
    view.host.receive({ type: "error", reply_to: { view: of, id }, text: "No model." });
    await settle();
    expect(bar().textContent).toContain("Segment everything on this frame");
    view.press("Enter");
    expect(view.host.of("propose")).toHaveLength(2);
  });
});

describe("the display", () => {
  it("compares with a divider that keys move", async () => {
    view.press("\\");
    await settle();
    const divider = view.element.querySelector(".s2w-wipe") as HTMLElement;
    expect(divider.hidden).toBe(false);
    const key = { key: "ArrowRight", bubbles: true, cancelable: true };
    divider.dispatchEvent(new KeyboardEvent("keydown", key));
    await settle();
    expect(divider.getAttribute("aria-valuenow")).toBe("52");
    expect(view.host.written).toEqual([]);
    view.press("\\");
    await settle();
    expect(divider.hidden).toBe(true);
  });

  it("remembers opacity and outline, not what is of the moment", async () => {
    const opacity = view.button("Opacity of masks") as unknown as HTMLInputElement;
    opacity.value = "0.75";
    opacity.dispatchEvent(new Event("input"));
    view.press("M", { shiftKey: true });
    await settle();
    view.close();
    view = new Mounted();
    const kept = view.button("Opacity of masks") as unknown as HTMLInputElement;
    expect(kept.value).toBe("0.75");
    const switches = [...view.element.querySelectorAll<HTMLInputElement>(".s2w-switch")];
    switches.length = 3; // those that follow are of masks, and of channels
    expect(switches.map(({ checked }) => checked)).toEqual([true, true, false]);
  });

  it("tells the zoom, and leads to actual pixels and back", async () => {
    const percent = () => view.element.querySelector(".s2w-percent") as HTMLElement;
    view.press("+");
    await settle();
    expect(percent().textContent).toBe("1250%");
    percent().click();
    await settle();
    expect(percent().textContent).toBe("1000%");
  });
});

describe("the contrast", () => {
  const channel = { low: 100, high: 4000, gamma: 1, color: "#ffffff", visible: true };
  const levels = async (channels = [channel]) => {
    const asked = view.host.of("want_levels").at(-1) as SentRequest;
    const reply_to = { view: asked.view, id: asked.id };
    const [low, high] = [channels.map(() => 0), channels.map(() => 4095)];
    const message = { type: "levels", reply_to, frame: 0, automatic: true, whole: true };
    view.host.receive(
      { ...message, low, high, channels },
      channels.map(() => new Uint8Array(64).fill(99).buffer),
    );
    await settle();
  };
  const input = (label: string) => view.button(label) as unknown as HTMLInputElement;
  const set = (label: string, value: string, type = "input") => {
    input(label).value = value;
    input(label).dispatchEvent(new Event(type));
  };
  const sent = () => {
    const last = view.host.of("set_contrast").at(-1);
    return last?.type === "set_contrast" ? last.channels : undefined;
  };

  it("is asked for when the panel opens, once a frame and a look", async () => {
    expect(view.host.of("want_levels")).toEqual([]);
    view.button("Display").click();
    await settle();
    expect(view.host.of("want_levels")).toMatchObject([{ frame: 0 }]);
    view.press("ArrowRight");
    await settle();
    expect(view.host.of("want_levels")).toMatchObject([{ frame: 0 }, { frame: 1 }]);
    view.host.receive({ type: "contrast" });
    await settle();
    expect(view.host.of("want_levels")).toHaveLength(3);
  });

  it("sends a window that is one, and keeps what the hand is at", async () => {
    view.button("Display").click();
    await levels();
    set("Minimum shown", "500");
    expect(sent()).toEqual([{ ...channel, low: 500 }]);
    set("Maximum shown, as a number", "300", "change");
    expect(sent()).toEqual([{ ...channel, low: 299, high: 300 }]);
    set("Gamma", "-0.3");
    expect(sent()?.[0]?.gamma).toBeCloseTo(0.5, 2);
    await levels(); // an answer to what was asked before: out of date
    expect(input("Minimum shown").value).toBe("299");
    view.press("ArrowRight"); // something else is up to date, and this still ahead of the kernel
    await settle();
    expect(input("Minimum shown").value).toBe("299");
    view.button("Auto");
    (view.element.querySelector(".s2w-auto") as HTMLButtonElement).click();
    expect(sent()).toBe(null);
  });

  it("has a window for all channels, and a colour and a switch for each", async () => {
    view.button("Display").click();
    await levels([channel, { ...channel, color: "#00ff00" }]);
    set("Maximum shown", "2000");
    expect(sent()?.map(({ high }) => high)).toEqual([2000, 2000]);
    const which = input("Channel") as unknown as HTMLSelectElement;
    which.selectedIndex = 2;
    which.dispatchEvent(new Event("change"));
    set("Colour of the channel", "#ff00ff");
    expect(sent()?.map(({ color }) => color)).toEqual(["#ffffff", "#ff00ff"]);
    input("Show the channel").checked = false;
    input("Show the channel").dispatchEvent(new Event("change"));
    expect(sent()?.map(({ visible }) => visible)).toEqual([true, false]);
  });

  it("asks for pixels again when frames look otherwise, and shows the old ones until then", async () => {
    const frame = async (seq: number) => {
      view.host.receive({ type: "frame", seq, frame: 0, towards: null }, [new ArrayBuffer(4)]);
      await settle();
    };
    await frame(1);
    view.host.sent = [];
    view.host.receive({ type: "contrast" });
    await settle();
    expect(view.host.of("want")).toMatchObject([{ frame: 0, pixels: true }]);
    await frame(2);
    view.host.sent = [];
    view.press("ArrowRight");
    view.press("ArrowLeft");
    await settle();
    expect(
      view.host.of("want").filter((one) => "frame" in one && one.frame === 0),
    ).not.toMatchObject([{ pixels: true }]);
  });
});
