import { beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "../src/kernel/client";
import type { BoxPx, Request } from "../src/kernel/protocol";
import { Regions } from "../src/kernel/regions";
import { traceContours } from "../src/stage/draw/contours";
import { Store } from "../src/state/store";
import { FakeHost, settle, viewState } from "./fake-host";

const closed = vi.fn();
let size = { width: 1300, height: 1300 };
vi.stubGlobal("createImageBitmap", () => Promise.resolve({ ...size, close: closed }));

type Wanted = Extract<Request, { type: "want_region" }>;

describe("regions of a large picture", () => {
  let sent: Wanted[];
  let regions: Regions;

  beforeEach(() => {
    closed.mockClear();
    size = { width: 1300, height: 1300 };
    sent = [];
    const host = new FakeHost();
    host.current.video = { ...host.current.video, width: 40_000, height: 30_000, windowed: true };
    regions = new Regions(new Store(viewState(host)), (request) => {
      sent.push(request as Wanted);
      return sent.length;
    });
  });

  const answer = async (n: number) => {
    const { frame, x0, y0, x1, y1 } = sent[n - 1] as Wanted;
    const message = { type: "region" as const, epoch: 1, frame, x0, y0, x1, y1 };
    await regions.receive({ ...message, reply_to: { view: "v", id: n } }, new ArrayBuffer(4));
  };

  it("are asked for with a margin, at the size of the screen, within the picture", () => {
    regions.want(0, [0, 10_000, 4000, 12_000], 0.25);
    expect(sent).toEqual([
      {
        ...{ type: "want_region", frame: 0, x0: 0, y0: 9700, x1: 4600, y1: 12_300 },
        ...{ width: 1150, height: 650 },
      },
    ]);
  });

  it("are never asked for in more pixels than there are", () => {
    regions.want(0, [100, 100, 200, 200], 8);
    expect(sent).toMatchObject([{ width: 130, height: 130 }]);
  });

  it("are under way one at a time, and not asked for where they are here", async () => {
    const place: BoxPx = [1000, 1000, 2000, 2000];
    regions.want(0, place, 1);
    regions.want(0, [3000, 3000, 4000, 4000], 1);
    expect(sent).toHaveLength(1);
    await answer(1);
    regions.want(0, place, 1);
    regions.want(0, [950, 950, 2100, 2100], 1);
    expect(sent).toHaveLength(1);
    regions.want(0, [3000, 3000, 4000, 4000], 1);
    expect(sent).toHaveLength(2);
  });

  it("are asked for anew where they are too coarse", async () => {
    size = { width: 325, height: 325 };
    regions.want(0, [1000, 1000, 2000, 2000], 0.25);
    await answer(1);
    regions.want(0, [1400, 1400, 1600, 1600], 1);
    expect(sent).toHaveLength(2);
  });

  it("are kept up to eight, and let go of when they look otherwise", async () => {
    for (let n = 1; n <= 10; n++) {
      regions.want(0, [1000 * n, 0, 1000 * n + 900, 900], 1);
      await answer(n);
    }
    expect(regions.kept).toHaveLength(8);
    expect(closed).toHaveBeenCalledTimes(2);
    regions.forget();
    expect(regions.kept).toEqual([]);
    expect(closed).toHaveBeenCalledTimes(10);
  });

  it("that come after they have changed are dropped", async () => {
    regions.want(0, [0, 0, 900, 900], 1);
    regions.forget();
    regions.want(0, [0, 0, 900, 900], 1);
    const late = answer(1);
    regions.forget();
    await late;
    expect(regions.kept).toEqual([]);
  });
});

describe("prompts on a large picture", () => {
  it("say what is seen, and others do not", async () => {
    const host = new FakeHost();
    const client = new Client(host, new Store(viewState(host)));
    client.send({ type: "hover", frame: 0, object: null, x: 1, y: 1 });
    client.seen = () => [10, 20, 30, 40];
    client.send({ type: "click", frame: 0, object: null, x: 1, y: 1, label: 1 });
    client.send({ type: "undo" });
    await settle();
    expect(host.sent.map((one) => "window" in one && one.window)).toEqual([
      false,
      [10, 20, 30, 40],
      false,
    ]);
    client.close();
  });
});

describe("the outline of a mask that is as large as a slide", () => {
  it("is traced from fewer pixels, in its place", () => {
    const [width, height, left, right] = [40_000, 30_000, 10_000, 30_000];
    const runs = [10_000 * width + left];
    for (let y = 10_000; y < 20_000; y++) runs.push(right - left, width - (right - left));
    runs[runs.length - 1] = width * (height - 20_000) + width - right;
    const [contour = [], ...others] = traceContours(Uint32Array.from(runs), width, true);
    expect(others).toEqual([]);
    const xs = contour.filter((_, n) => n % 2 === 0);
    const ys = contour.filter((_, n) => n % 2 === 1);
    expect([Math.min(...xs), Math.min(...ys)]).toEqual([left, 10_000]);
    expect(Math.max(...xs)).toBeGreaterThanOrEqual(right);
    expect(Math.max(...xs)).toBeLessThan(right + 8);
    expect(Math.max(...ys)).toBeLessThan(20_008);
  });
});
