import { beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "../src/kernel/client";
import { randomId } from "../src/kernel/random-id";
import { FrameLayer } from "../src/stage/draw/frame-layer";
import { Store } from "../src/state/store";
import { FakeHost, settle, viewState } from "./fake-host";

const bitmap = { width: 8, height: 4, close: () => {} };
vi.stubGlobal("createImageBitmap", () => Promise.resolve(bitmap));

let host: FakeHost;
let store: Store;
let client: Client;

beforeEach(() => {
  host = new FakeHost();
  store = new Store(viewState(host));
  client = new Client(host, store);
});

const answerFrame = async (frame: number, seq: number, towards: number | null = null) => {
  const goal = towards ?? frame;
  const wanted = host.of("want").findLast((one) => "frame" in one && one.frame === goal);
  const reply_to = wanted ? { view: client.view, id: wanted.id } : { view: "another", id: 1 };
  const message = { type: "frame", frame, seq, towards, reply_to, reduced: false };
  host.receive(message, [new ArrayBuffer(4)]);
  await settle();
};

describe("a view", () => {
  it("has an id of its own also where there is no secure context", () => {
    const { randomUUID } = crypto;
    Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
    try {
      const ids = Array.from({ length: 100 }, () => new Client(new FakeHost(), store).view);
      expect(new Set(ids).size).toBe(100);
      for (const id of [...ids, randomId()])
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    } finally {
      Object.defineProperty(crypto, "randomUUID", { value: randomUUID, configurable: true });
    }
  });
});

describe("scrubbing", () => {
  it("has one request under way and then asks for where the user is", async () => {
    for (const frame of [1, 2, 3, 4, 5]) client.goTo(frame);
    expect(host.of("want")).toMatchObject([{ frame: 1 }]);
    await answerFrame(1, 7);
    expect(host.of("want")).toMatchObject([{ frame: 1 }, { frame: 5 }]);
    await answerFrame(5, 8);
    expect(host.of("want")).toHaveLength(2);
    client.drawn();
    expect(host.of("ack")).toMatchObject([{ seqs: [7, 8] }]);
  });

  it("is not answered by the pixels that another view asked for", async () => {
    client.goTo(1);
    client.goTo(2);
    await answerFrame(9, 7);
    expect(host.of("want")).toMatchObject([{ frame: 1 }]);
    await answerFrame(1, 8);
    expect(host.of("want")).toMatchObject([{ frame: 1 }, { frame: 2 }]);
  });

  it("shows frames on the way until the one asked for is there", async () => {
    const layer = new FrameLayer(store);
    const shown = () => {
      layer.take();
      return layer.shown;
    };
    await answerFrame(0, 6);
    client.goTo(9);
    expect(shown()).toBeNull();
    await answerFrame(4, 7, 9);
    expect(shown()).toBe(4);
    await answerFrame(6, 8, 12); // another view's
    expect(shown()).toBe(4);
    await answerFrame(9, 9);
    expect(shown()).toBe(9);
    expect(host.of("want")).toMatchObject([{ frame: 9 }]);
  });

  it("asks for where the user is as soon as a frame on the way comes", async () => {
    client.goTo(9);
    client.goTo(15);
    await answerFrame(4, 7, 9);
    expect(host.of("want")).toMatchObject([{ frame: 9 }, { frame: 15 }]);
    expect(new FrameLayer(store).take()).toBeUndefined();
  });

  it("does not ask again for pixels that are here, only for the rest", async () => {
    client.goTo(1);
    await answerFrame(1, 7);
    client.goTo(2);
    await answerFrame(2, 8);
    for (const frame of [1, 2, 1]) client.goTo(frame);
    expect(host.of("want").slice(2)).toMatchObject([{ frame: 1, pixels: false }]);
    host.receive({ type: "masks", seq: 9, reply_to: null, frame: 1, complete: true, masks: [] });
    client.goTo(2);
    client.goTo(5);
    expect(host.of("want").slice(3)).toMatchObject([{ frame: 2, pixels: false }]);
    host.receive({ type: "masks", seq: 10, reply_to: null, frame: 2, complete: true, masks: [] });
    expect(host.of("want").slice(4)).toMatchObject([{ frame: 5, pixels: true }]);
  });

  it("does not ask again for what it has been told, until an object's masks change", async () => {
    const told = (frame: number, seq: number) =>
      host.receive({ type: "masks", seq, reply_to: null, frame, complete: true, masks: [] });
    for (const frame of [1, 2]) {
      client.goTo(frame);
      told(frame, 7 + frame);
      await answerFrame(frame, 9 + frame);
    }
    for (const frame of [1, 2, 1]) client.goTo(frame);
    expect(host.of("want")).toHaveLength(2);
    const timeline = { type: "timeline", object: 1, prompted: [], tracked: [[0, 9]] };
    host.receive({ ...timeline, stale: [], accepted: [], rejected: [] });
    client.goTo(2);
    expect(host.of("want").slice(2)).toMatchObject([{ frame: 2, pixels: false }]);
    told(2, 12);
    client.setVisible(false);
    client.setVisible(true);
    expect(host.of("want").slice(3)).toMatchObject([{ frame: 2, pixels: false }]);
  });

  it("stays within the video", () => {
    client.goTo(99);
    expect(store.state.frame).toBe(19);
    client.goTo(-3);
    expect(store.state.frame).toBe(0);
  });

  it("goes on after an error", () => {
    client.goTo(1);
    host.receive({ type: "error", reply_to: null, text: "Frame 1 cannot be decoded." });
    client.goTo(2);
    expect(host.of("want")).toMatchObject([{ frame: 1 }, { frame: 2 }]);
    expect(store.state.error).toBe("Frame 1 cannot be decoded.");
  });
});

describe("masks", () => {
  const batch = (frame: number, seq: number) => ({
    type: "masks",
    seq,
    reply_to: null,
    frame,
    complete: true,
    masks: [{ object: 1, score: 3, iou: 0.9, source: "prompt", state: "fresh", area: 4 }],
  });

  it("are acknowledged when they have been drawn, not before", () => {
    host.receive(batch(0, 5), [new Uint32Array([28, 4]).buffer]);
    host.receive(batch(3, 6), [new Uint32Array([28, 4]).buffer]);
    expect(host.of("ack")).toEqual([]);
    client.drawn();
    client.drawn();
    expect(host.of("ack")).toMatchObject([{ seqs: [5, 6] }]);
  });

  it("of another epoch are dropped, and a new epoch forgets the old one's", () => {
    host.receive(batch(0, 5), [new Uint32Array([28, 4]).buffer]);
    host.receive({ ...batch(1, 6), epoch: 9 }, [new Uint32Array([28, 4]).buffer]);
    expect(store.masks.get(1)).toBeUndefined();
    host.kernelEpoch = 2;
    host.receive(batch(1, 7), [new Uint32Array([28, 4]).buffer]);
    expect(store.masks.get(0)).toBeUndefined();
    expect(store.masks.get(1)?.get(1)?.area).toBe(4);
  });
});

describe("a new epoch", () => {
  it("begins with hello, even before the first message", () => {
    client.checkEpoch();
    expect(host.of("hello")).toEqual([]);
    store.putMasks(0, [], true);
    host.kernelEpoch = 2;
    client.checkEpoch();
    expect(host.of("hello")).toMatchObject([{ epoch: 2 }]);
    expect(store.masks.get(0)).toBeUndefined();
  });
});

describe("a message that is none of the protocol's", () => {
  it("is named in place, and the next one is read", () => {
    const reply_to = { view: client.view, id: 1 };
    host.receive({ type: "frame", seq: 1, reply_to, frame: -4 }, [new ArrayBuffer(4)]);
    expect(store.state.error).toMatch(/"frame", frame .*-4/);
    host.receive({ type: "error", reply_to: null, text: "The box is empty." });
    expect(store.state.error).toBe("The box is empty.");
  });
});

describe("propagation", () => {
  const progress = (frame: number, running = true) => ({
    type: "progress",
    running,
    frame,
    done: 1,
    total: 9,
    fps: 4,
    eta_s: 2,
    elapsed_s: 3,
    direction: "forward",
  });

  it("is followed until the user goes elsewhere", async () => {
    host.answers = true;
    host.receive(progress(4));
    await settle();
    expect(store.state.frame).toBe(4);
    store.set("follow", false);
    host.receive(progress(5));
    await settle();
    expect(store.state.frame).toBe(4);
    host.receive(progress(5, false));
    expect(store.state.progress).toBeNull();
  });
});

describe("prompts", () => {
  it("are shown at once and make way for the answer", () => {
    const click = { type: "click", frame: 0, object: 1, x: 2, y: 3, label: 1 } as const;
    client.prompt(click);
    client.prompt({ ...click, x: 4 });
    expect(store.state.pending).toMatchObject([{ point: [2, 3, 1] }, { point: [4, 3, 1] }]);
    const id = host.of("click")[0]?.id;
    host.receive({ type: "done", reply_to: { view: "another", id } });
    host.receive({ type: "done", reply_to: { view: client.view, id } });
    expect(store.state.pending).toMatchObject([{ point: [4, 3, 1] }]);
  });

  it("that are refused go, and what is true is asked for again", () => {
    client.prompt({ type: "click", frame: 0, object: 1, x: 2, y: 3, label: 0 });
    const reply_to = { view: client.view, id: host.of("click")[0]?.id };
    host.receive({ type: "error", reply_to, text: "There is nothing to correct." });
    expect(store.state.pending).toEqual([]);
    expect(store.state.error).toBe("There is nothing to correct.");
    expect(host.of("want")).toMatchObject([{ frame: 0 }]);
  });

  it("keep the view where it is while their span is tracked again", () => {
    client.prompt({ type: "click", frame: 3, object: 1, x: 2, y: 3, label: 0 });
    expect(store.state).toMatchObject({ frame: 3, follow: false });
    client.propagate("both");
    expect(store.state.follow).toBe(true);
  });

  it("are of ids that rise, with the kernel's epoch", () => {
    client.send({ type: "undo" });
    client.send({ type: "redo" });
    const [undo, redo] = host.sent;
    expect(redo?.id).toBeGreaterThan(undo?.id ?? 0);
    expect(undo).toMatchObject({ view: client.view, epoch: 1 });
  });
});
