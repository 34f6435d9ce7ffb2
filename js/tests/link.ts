/** A way to the kernel that takes time, and a kernel at its end that serves one frame at a time. */

import { vi } from "vitest";
import type { Client } from "../src/kernel/client";
import type { Store } from "../src/state/store";
import type { FakeHost } from "./fake-host";

interface Options {
  /** Round trip, in ms. */
  roundTrip: number;
  /** How long the kernel takes for a frame, in ms. */
  serving: number;
}

/** Of a picture painted: the time in ms, the frame, and whether its masks were there. */
export interface Painted {
  at: number;
  frame: number;
  masks: boolean;
}

export class Link {
  now = 0;
  readonly painted: Painted[] = [];
  /** How many requests were under way at most. */
  mostUnderWay = 0;
  roundTrip: number;
  serving: number;
  private events: { at: number; run: () => void }[] = [];
  private waiting: Record<string, unknown>[] = [];
  private busy = false;
  private underWay = 0;
  private read = 0;
  private seq = 0;
  private callbacks: FrameRequestCallback[] = [];

  constructor(
    private readonly host: FakeHost,
    private readonly store: Store,
    private readonly client: Client,
    options: Options,
  ) {
    this.roundTrip = options.roundTrip;
    this.serving = options.serving;
    vi.spyOn(performance, "now").mockImplementation(() => this.now);
    vi.stubGlobal("requestAnimationFrame", (call: FrameRequestCallback) =>
      this.callbacks.push(call),
    );
    vi.stubGlobal("cancelAnimationFrame", () => {
      this.callbacks = [];
    });
    vi.spyOn(window, "setTimeout").mockImplementation(((run: () => void, ms = 0) => {
      const event = { at: this.now + ms, run };
      this.events.push(event);
      return event;
    }) as unknown as typeof window.setTimeout);
    vi.spyOn(window, "clearTimeout").mockImplementation(((event: unknown) => {
      this.events = this.events.filter((one) => one !== event);
    }) as unknown as typeof window.clearTimeout);
  }

  /** Let time pass, with 60 animation frames a second. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    while (this.now < end) {
      const next = this.now + 1000 / 60;
      for (;;) {
        this.carry();
        const due = this.events.filter(({ at }) => at <= next).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        this.events.splice(this.events.indexOf(due), 1);
        this.now = Math.max(this.now, due.at);
        due.run();
        for (let i = 0; i < 8; i++) await Promise.resolve();
      }
      this.now = next;
      for (const call of this.callbacks.splice(0)) call(this.now);
      this.client.drawn();
      const { frame } = this.store.state;
      if (this.painted.at(-1)?.frame !== frame && this.store.frames.has(frame))
        this.painted.push({ at: this.now, frame, masks: this.store.masks.has(frame) });
    }
  }

  /** Take what the view has sent. */
  private carry(): void {
    for (; this.read < this.host.sent.length; this.read++) {
      const request = this.host.sent[this.read] as unknown as Record<string, unknown>;
      if (request.type !== "want") continue;
      const frames = [request.frame, ...((request.then as number[] | undefined) ?? [])];
      const first = request.id as number;
      const wishes = frames.map((frame, n) => ({
        ...request,
        frame,
        id: first + n,
        last: frames.length - 1 === n,
      }));
      this.underWay++;
      this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
      const arrive = () => {
        if (this.waiting.length > 0) this.underWay--; // the newest alone counts
        this.waiting = wishes;
        this.serve();
      };
      this.events.push({ at: this.now + this.roundTrip / 2, run: arrive });
    }
  }

  private serve(): void {
    const request = this.busy ? undefined : this.waiting.shift();
    if (!request) return;
    this.busy = true;
    const done = () => {
      this.busy = false;
      this.events.push({ at: this.now + this.roundTrip / 2, run: () => this.answer(request) });
      this.serve();
    };
    this.events.push({ at: this.now + (request.pixels ? this.serving : 1), run: done });
  }

  private answer(request: Record<string, unknown>): void {
    if (request.last) this.underWay--;
    const { frame } = request;
    const reply_to = { view: request.view, id: request.id };
    const masks = { reply_to: null, frame, complete: true, masks: [] };
    this.host.receive({ type: "masks", seq: ++this.seq, ...masks });
    const picture = { reply_to, frame, towards: null, reduced: request.moving };
    if (request.pixels)
      this.host.receive({ type: "frame", seq: ++this.seq, ...picture }, [new ArrayBuffer(4)]);
  }
}
