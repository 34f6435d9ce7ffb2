import { beforeEach, describe, expect, it } from "vitest";
import { Client } from "../src/kernel/client";
import type { TimelineMessage } from "../src/kernel/protocol";
import { Review, spanAround } from "../src/panels/review";
import { opacityOf, poolConfidence } from "../src/panels/time/heat";
import { markIn, markOut } from "../src/state/keys/commands";
import { boundsOf } from "../src/state/stage-state";
import { Store } from "../src/state/store";
import { Announcer } from "../src/ui/announcer";
import { timecode } from "../src/ui/durations";
import { FakeHost, settle, viewState } from "./fake-host";

let host: FakeHost;
let store: Store;
let client: Client;

beforeEach(() => {
  host = new FakeHost();
  store = new Store(viewState(host));
  client = new Client(host, store);
});

describe("review", () => {
  const timeline = (fields: Partial<TimelineMessage> = {}): TimelineMessage => ({
    ...{ type: "timeline", object: 1, prompted: [5], accepted: [], rejected: [] },
    ...{ tracked: [[0, 5] as [number, number], [6, 10] as [number, number]], stale: [] },
    ...fields,
  });
  const mask = { object: 1, score: 3, iou: 0.9, source: "track", state: "fresh", area: 3 } as const;
  let review: Review;
  const run = (keys: string) =>
    review
      .commands()
      .find((command) => command.keys.includes(keys))
      ?.run(new KeyboardEvent("keydown"));

  beforeEach(() => {
    review = new Review(store, client, new Announcer(store));
    store.timelines.set(1, timeline());
    store.putMasks(0, [{ ...mask, runs: new Uint32Array([1, 3, 28]) }], true);
    review.update(new Set(["timeline", "masks"]));
  });

  it("judges the selected object's mask on this frame, or all", () => {
    run("A");
    run("Shift+A");
    run("R");
    run("Backspace");
    const at = { start: 0, stop: 1 };
    expect(host.sent).toMatchObject([
      { type: "accept", object: 1, ...at },
      { type: "accept", object: null, ...at },
      { type: "reject", object: 1, ...at },
      { type: "reset", object: 1, ...at },
    ]);
  });

  it("accepts a span: what hangs together, or the range", () => {
    run("Ctrl+A");
    store.set("range", [2, 4]);
    run("Ctrl+A");
    expect(host.of("accept")).toMatchObject([
      { start: 0, stop: 5 },
      { start: 2, stop: 4 },
    ]);
    expect(spanAround(timeline(), 5)).toEqual([0, 10]);
    expect(spanAround(timeline(), 12)).toEqual([12, 13]);
  });

  it("counts what nobody has reviewed", () => {
    expect(review.element.textContent).toContain("9 to check");
    store.timelines.set(1, timeline({ tracked: [], accepted: [[0, 10]] }));
    review.update(new Set(["timeline", "masks"]));
    expect(review.element.textContent).toContain("All checked");
  });

  it("offers nothing where there is no mask", async () => {
    store.set("frame", 3);
    await settle();
    review.update(new Set(["timeline", "masks"]));
    const accept = review.element.querySelector('[aria-label="Accept"]') as HTMLButtonElement;
    expect(accept.disabled).toBe(true);
  });
});

describe("the range", () => {
  it("begins and ends at the current frame, and never backwards", () => {
    store.set("frame", 6);
    markIn(store);
    expect(store.state.range).toEqual([6, 20]);
    store.set("frame", 9);
    markOut(store);
    expect(store.state.range).toEqual([6, 10]);
    store.set("frame", 2);
    markOut(store);
    expect(store.state.range).toEqual([0, 3]);
    store.set("frame", 12);
    markIn(store);
    expect(store.state.range).toEqual([12, 20]);
    store.set("goal", 15); // on the way there, as after several steps at once
    markOut(store);
    expect(store.state.range).toEqual([12, 16]);
  });

  it("is what propagation tracks", () => {
    store.set("range", [6, 10]);
    client.propagate("forward", [1]);
    const range = { start: 6, stop: 10, objects: [1] };
    expect(host.of("propagate")).toMatchObject([{ direction: "forward", ...range }]);
  });
});

describe("confidence", () => {
  it("arrives in parts", () => {
    host.receive({ type: "confidence", object: 1, start: 3 }, [new Uint8Array([9, 1])]);
    const before = store.confidences.get(1);
    host.receive({ type: "confidence", object: 1, start: 4 }, [new Uint8Array([7, 255])]);
    expect([...(before ?? [])].slice(3, 5)).toEqual([9, 1]); // kept by what counts in it
    expect([...(store.confidences.get(1) ?? [])].slice(0, 7)).toEqual([0, 0, 0, 9, 7, 255, 0]);
  });

  it("shows the worst of the frames that share a pixel", () => {
    const bytes = new Uint8Array(1000).fill(250);
    bytes[501] = 3;
    bytes.fill(1, 0, 100);
    bytes.fill(0, 900);
    expect([...poolConfidence(bytes, 10)]).toEqual([1, 250, 250, 250, 250, 3, 250, 250, 250, 0]);
    expect([...poolConfidence(new Uint8Array([9, 200]), 4)]).toEqual([9, 9, 200, 200]);
    expect(opacityOf(250)).toBeGreaterThan(opacityOf(3));
  });
});

it("bounds a mask by its runs", () => {
  // 8 x 4: two pixels of row 1, three of row 2.
  expect(boundsOf(new Uint32Array([10, 2, 7, 3, 10]), 8)).toEqual([2, 1, 6, 3]);
  expect(boundsOf(new Uint32Array([4, 20, 8]), 8)).toEqual([0, 0, 8, 3]);
  expect(boundsOf(new Uint32Array([32]), 8)).toBeNull();
});

it("writes time codes", () => {
  expect([timecode(7.25), timecode(3723.5)]).toEqual(["0:07.25", "1:02:03.50"]);
  expect([timecode(7, 0), timecode(67.3, 1), timecode(7200, 0)]).toEqual([
    "0:07",
    "1:07.3",
    "2:00:00",
  ]);
});
