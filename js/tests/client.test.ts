import { beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "../src/client";
import { Store } from "../src/store";
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

const answerFrame = async (frame: number, seq: number) => {
  host.receive({ type: "frame", frame, seq }, [new ArrayBuffer(4)]);
  await settle();
};

describe("scrubbing", () => {
  it("has one request under way and then asks for where the user is", async () => {
    for (const frame of [1, 2, 3, 4, 5]) client.goTo(frame);
    expect(host.of("want")).toMatchObject([{ frame: 1 }]);
    await answerFrame(1, 7);
    expect(host.of("want")).toMatchObject([{ frame: 1 }, { frame: 5 }]);
    await answerFrame(5, 8);
    expect(host.of("want")).toHaveLength(2);
    expect(host.of("ack")).toMatchObject([{ seq: 7 }, { seq: 8 }]);
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
    host.receive(batch(0, 5), [new Uint32Array([0, 4]).buffer]);
    host.receive(batch(3, 6), [new Uint32Array([0, 4]).buffer]);
    expect(host.of("ack")).toEqual([]);
    expect(client.drawn(0)).toBe(1);
    expect(host.of("ack")).toMatchObject([{ seq: 5 }, { seq: 6 }]);
    expect(client.drawn(0)).toBe(0);
  });

  it("of another epoch are dropped, and a new epoch forgets the old one's", () => {
    host.receive(batch(0, 5), [new Uint32Array([0, 4]).buffer]);
    host.receive({ ...batch(1, 6), epoch: 9 }, [new Uint32Array([0, 4]).buffer]);
    expect(store.masks.get(1)).toBeUndefined();
    host.kernelEpoch = 2;
    host.receive(batch(1, 7), [new Uint32Array([0, 4]).buffer]);
    expect(store.masks.get(0)).toBeUndefined();
    expect(store.masks.get(1)?.get(1)?.area).toBe(4);
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
    direction: "forward",
  });

  it("is followed until the user goes elsewhere", () => {
    host.receive(progress(4));
    expect(store.state.frame).toBe(4);
    store.set("follow", false);
    host.receive(progress(5));
    expect(store.state.frame).toBe(4);
    host.receive(progress(5, false));
    expect(store.state.progress).toBeNull();
  });
});

describe("prompts", () => {
  it("are shown at once and make way for the answer", () => {
    client.prompt(
      { type: "click", frame: 0, object: 1, x: 2, y: 3, label: 1 },
      { frame: 0, object: 1, point: [2, 3, 1] },
    );
    expect(store.state.pending).toHaveLength(1);
    const [click] = host.of("click");
    host.receive({ type: "done", reply_to: { view: client.view, id: click?.id } });
    expect(store.state.pending).toHaveLength(0);
  });

  it("are of ids that rise, with the kernel's epoch", () => {
    client.send({ type: "undo" });
    client.send({ type: "redo" });
    const [undo, redo] = host.sent;
    expect(redo?.id).toBeGreaterThan(undo?.id ?? 0);
    expect(undo).toMatchObject({ view: client.view, epoch: 1 });
  });
});
