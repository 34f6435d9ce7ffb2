import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "../src/kernel/client";
import { MAX_UNDER_WAY } from "../src/kernel/frame-requests";
import { Player } from "../src/state/player";
import { Store } from "../src/state/store";
import { FakeHost, viewState } from "./fake-host";
import { Link, type Painted } from "./link";

const FPS = 25;

let host: FakeHost;
let store: Store;
let client: Client;
let player: Player;

function connect(roundTrip: number, serving = 8): Link {
  return new Link(host, store, client, { roundTrip, serving });
}

const gaps = (painted: Painted[], from = 1) =>
  painted.slice(from).map(({ at }, i) => at - (painted[from + i - 1] as Painted).at);
const steps = (painted: Painted[], from = 1) =>
  painted.slice(from).map(({ frame }, i) => frame - (painted[from + i - 1] as Painted).frame);

beforeEach(() => {
  vi.stubGlobal("createImageBitmap", () =>
    Promise.resolve({ width: 8, height: 4, close: () => {} }),
  );
  host = new FakeHost();
  host.current = {
    ...host.current,
    video: { ...host.current.video, num_frames: 400, fps: FPS },
  };
  store = new Store(viewState(host));
  client = new Client(host, store);
  player = new Player(store, client);
});
afterEach(() => {
  client.close();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("playing", () => {
  for (const roundTrip of [0, 80]) {
    it(`paints every frame at its time where the round trip takes ${roundTrip} ms`, async () => {
      const link = connect(roundTrip);
      client.hello();
      await link.pass(1000);
      player.play();
      await link.pass(4000);
      const { painted } = link;
      expect(painted.length).toBeGreaterThan(3.5 * FPS);
      expect(Math.max(...steps(painted))).toBe(1);
      expect(Math.max(...gaps(painted, 3))).toBeLessThan(2.5 * (1000 / FPS));
      expect(painted.every(({ masks }) => masks)).toBe(true);
      expect(link.mostUnderWay).toBeLessThanOrEqual(MAX_UNDER_WAY);
    });
  }

  it("leaves frames out evenly where the round trip takes 400 ms, and never stands still", async () => {
    const link = connect(400);
    client.hello();
    await link.pass(1500);
    player.play();
    await link.pass(6000);
    const painted = link.painted.filter(({ at }) => at > 3000);
    expect(painted.length / 4.5).toBeGreaterThan(0.8 * (MAX_UNDER_WAY / 0.41));
    expect(Math.max(...gaps(painted))).toBeLessThan(250);
    // At the video's own pace, in even steps.
    const [first, last] = [painted[0], painted.at(-1)] as [Painted, Painted];
    const pace = ((last.frame - first.frame) / (last.at - first.at)) * 1000;
    expect(pace).toBeGreaterThan(0.9 * FPS);
    expect(pace).toBeLessThan(1.1 * FPS);
    expect(Math.max(...steps(painted)) - Math.min(...steps(painted))).toBeLessThanOrEqual(2);
    expect(link.mostUnderWay).toBeLessThanOrEqual(MAX_UNDER_WAY + 1);
  });

  it("goes on where a kernel serves fewer frames than the video has", async () => {
    const link = connect(20, 110);
    client.hello();
    await link.pass(1000);
    player.play();
    await link.pass(6000);
    const painted = link.painted.filter(({ at }) => at > 2500);
    expect(painted.length / 4.5).toBeGreaterThan(0.8 * (1000 / 110));
    expect(Math.max(...gaps(painted))).toBeLessThan(300);
    expect(Math.min(...steps(painted))).toBeGreaterThan(0);
  });

  it("is at the frame that is painted, all the time", async () => {
    const link = connect(200);
    client.hello();
    await link.pass(1000);
    player.play();
    for (let i = 0; i < 100; i++) {
      await link.pass(20);
      expect(store.frames.has(store.state.frame)).toBe(true);
    }
  });

  it("asks for reduced pictures, and for a sharp one where it stops", async () => {
    const link = connect(40);
    client.hello();
    await link.pass(1000);
    player.play();
    await link.pass(1000);
    player.pause();
    const { frame } = store.state;
    await link.pass(1000);
    const wanted = host.of("want");
    expect(wanted.at(-1)).toMatchObject({ frame, pixels: true, moving: false });
    expect(wanted.slice(1, -1).every((one) => "moving" in one && one.moving)).toBe(true);
    expect(store.reduced.has(frame)).toBe(false);
  });

  it("has the page look at what is painted alone, not at what comes ahead", async () => {
    const link = connect(40);
    client.hello();
    await link.pass(1000);
    player.play();
    await link.pass(100);
    let [arrivals, shown] = [0, 0];
    store.subscribe((topics) => {
      if (topics.has("frames") || topics.has("masks")) arrivals++;
      if (topics.has("frame")) shown++;
    });
    await link.pass(2000);
    expect(arrivals).toBe(0);
    expect(shown).toBeGreaterThan(1.8 * FPS);
    // Of pixels and masks, with what is asked for next.
    const told = host.of("want").flatMap((one) => (one.type === "want" ? (one.drawn ?? []) : []));
    expect(told.length).toBeGreaterThanOrEqual(2 * shown);
    expect(host.of("ack")).toMatchObject([{ seqs: [1, 2] }]); // of the first frame, before
  });

  it("ends at the last frame of the range, or begins it anew", async () => {
    const link = connect(80);
    client.hello();
    await link.pass(500);
    store.set("range", [4, 12]);
    player.play();
    await link.pass(2000);
    expect([store.state.frame, store.state.playing]).toEqual([11, false]);
    expect(link.painted.slice(1).map(({ frame }) => frame)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    store.set("loop", true);
    player.play();
    await link.pass(1500);
    expect(store.state.playing).toBe(true);
    const again = link.painted.slice(9).map(({ frame }) => frame);
    expect(again.slice(0, 16)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 4, 5, 6, 7, 8, 9, 10, 11]);
    // All is here by then, but that one.
    expect(host.of("want").length).toBeLessThan(8 + 8);
  });

  it("keeps its pace at another speed", async () => {
    const link = connect(10);
    client.hello();
    await link.pass(500);
    player.play();
    await link.pass(500);
    player.setSpeed(0.5);
    await link.pass(300);
    const { frame } = store.state;
    await link.pass(2000);
    expect(store.state.frame - frame).toBeGreaterThan(22);
    expect(store.state.frame - frame).toBeLessThan(28);
  });
});

describe("scrubbing", () => {
  it("paints what comes on the way, and ends where the person is", async () => {
    const link = connect(200);
    client.hello();
    await link.pass(1000);
    for (let frame = 1; frame <= 120; frame++) {
      client.moveTo(2 * frame);
      await link.pass(1000 / 60);
      expect(store.frames.has(store.state.frame)).toBe(true);
      expect(store.destination).toBe(2 * frame);
    }
    await link.pass(1000);
    expect(store.state).toMatchObject({ frame: 240, goal: null });
    expect(link.painted.length).toBeGreaterThan(25); // in 2 s
    expect(Math.min(...steps(link.painted))).toBeGreaterThan(0);
    expect(host.of("want").at(-1)).toMatchObject({ frame: 240, moving: false });
    expect(link.mostUnderWay).toBeLessThanOrEqual(MAX_UNDER_WAY + 1);
  });

  it("of a single step asks for the sharp picture at once", async () => {
    const link = connect(50);
    client.hello();
    await link.pass(1000);
    client.moveTo(1);
    expect(store.state).toMatchObject({ frame: 0, goal: 1 });
    await link.pass(1000);
    expect(store.state).toMatchObject({ frame: 1, goal: null });
    expect(host.of("want").slice(1)).toMatchObject([{ frame: 1, moving: false }]);
  });

  it("gets past a frame that cannot be had", async () => {
    connect(0);
    client.moveTo(5);
    const id = host.of("want")[0]?.id;
    const reply_to = { view: client.view, id };
    host.receive({ type: "error", reply_to, text: "Frame 5 cannot be decoded." });
    expect(store.state).toMatchObject({ frame: 5, goal: null });
  });

  it("does not go where masks come that nobody asked for", async () => {
    const link = connect(100);
    client.hello();
    for (const frame of [1, 2, 3]) {
      client.moveTo(frame);
      await link.pass(500);
    }
    client.moveTo(30);
    host.receive({ type: "masks", seq: 99, reply_to: null, frame: 1, complete: true, masks: [] });
    expect(store.state.frame).toBe(3);
    await link.pass(500);
    expect(store.state.frame).toBe(30);
  });
});

it("follows a propagation by way of what is painted", async () => {
  const link = connect(200);
  client.hello();
  await link.pass(1000);
  const progress = { type: "progress", running: true, total: 400, fps: 20, eta_s: 9, elapsed_s: 1 };
  for (let frame = 1; frame < 60; frame++) {
    host.receive({ ...progress, frame, done: frame, direction: "forward" });
    await link.pass(50);
  }
  expect(link.painted.length).toBeGreaterThan(30); // in 3 s
  expect(link.painted.every(({ masks }) => masks)).toBe(true);
});
