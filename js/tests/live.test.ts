import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Live } from "../src/kernel/traits";
import { Store } from "../src/state/store";
import { FakeHost, settle, viewState } from "./fake-host";
import { Mounted } from "./mounted";

const LIVE: Live = { recording: true, first: 0, newest: 0, message: "" };

describe("a live video", () => {
  let view: Mounted;
  const grow = async (num_frames: number, more: Partial<Live> = {}) => {
    const { video } = view.host.current;
    const newest = num_frames - 1;
    view.host.change({ video: { ...video, num_frames, live: { ...LIVE, newest, ...more } } });
    await settle();
  };
  const shown = () => Number((view.element.firstElementChild as HTMLElement).dataset.frame);
  const slider = () => view.element.querySelector('[aria-label="Frame"]') as HTMLInputElement;
  const button = () => view.button("Follow the newest frame");

  beforeEach(async () => {
    view = new Mounted(80, 40, true);
    await settle();
    await grow(3);
  });
  afterEach(() => view.close());

  it("shows the newest frame as it comes", async () => {
    expect(shown()).toBe(2);
    await grow(9);
    expect([shown(), slider().max]).toEqual([8, "8"]);
    await grow(12, { newest: 10 }); // the last that has been tracked
    expect(shown()).toBe(10);
    expect(button().getAttribute("aria-pressed")).toBe("true");
  });

  it("stays where a person goes, until the button follows again", async () => {
    slider().value = "1";
    slider().dispatchEvent(new Event("input"));
    await settle();
    await grow(20);
    expect([shown(), slider().max]).toEqual([1, "19"]);
    expect(button().getAttribute("aria-pressed")).toBe("false");
    button().click();
    await settle();
    expect(shown()).toBe(19);
  });

  it("stays where code goes, until the button follows again", async () => {
    view.host.change({ frame: 1 }); // w.frame = 1
    await settle();
    await grow(20);
    expect(shown()).toBe(1);
    expect(button().getAttribute("aria-pressed")).toBe("false");
    button().click();
    await grow(25);
    expect(shown()).toBe(24);
  });

  it("follows on where another view of the widget goes", async () => {
    view.host.setTrait("frame", 1);
    view.host.change({});
    await settle();
    expect(shown()).toBe(1);
    await grow(20);
    expect(shown()).toBe(19);
  });

  it("goes to no frame that is not kept any more", async () => {
    await grow(30, { first: 12 });
    view.press("Home");
    await settle();
    expect([shown(), slider().min]).toEqual([12, "12"]);
  });

  it("stays at a click's frame", async () => {
    view.gesture([[40, 20]]);
    await grow(20);
    expect(shown()).toBe(2);
  });

  it("says why no more frames come, and has nothing to follow then", async () => {
    await grow(20, { recording: false, message: "The source gives no more frames." });
    expect(button().hidden).toBe(true);
    expect(view.element.querySelector(".s2w-live")?.textContent).toContain("no more frames");
  });
});

describe("the confidences of a live video", () => {
  it("are kept as it grows", () => {
    const host = new FakeHost();
    const store = new Store(viewState(host));
    const { video } = store.state;
    store.set("video", { ...video, num_frames: 2, live: { ...LIVE, newest: 1 } });
    store.putConfidence(1, 0, new Uint8Array([200, 100]));
    store.putConfidence(1, 4, new Uint8Array([50])); // the length is told a moment later
    expect([...(store.confidences.get(1) ?? [])]).toEqual([200, 100, 0, 0, 50]);
  });
});
