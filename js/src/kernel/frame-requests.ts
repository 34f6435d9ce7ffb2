/** Requests for frames: which are under way, and how long they take. */

import type { WantRequest } from "./protocol";

/** So many are under way at most: what was asked for earlier holds up what is asked for now. */
export const MAX_UNDER_WAY = 4;
/** A request that is unanswered for so long does not hold the next one up. */
const PATIENCE_MS = 3000;
/** How long one takes before any has been measured. */
const FIRST_GUESS_MS = 100;
/** Of a new measurement in the mean, and in the mean distance from it. */
const GAIN = 0.25;
/** Frames are asked for no further ahead than this. */
const MAX_LEAD_MS = 1000;

/** What is wanted; what has been drawn goes with it. */
export type Wish = Omit<WantRequest, "drawn">;

interface Asked {
  id: number;
  frame: number;
  pixels: boolean;
  at: number;
  heardAt: number;
}

export class FrameRequests {
  private underWay: Asked[] = [];
  private mean: number | null = null;
  private spread = 0;
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly send: (request: Wish) => number) {}

  get count(): number {
    const since = performance.now() - PATIENCE_MS;
    this.underWay = this.underWay.filter(({ heardAt }) => heardAt > since);
    return this.underWay.length;
  }

  /** From asking to having it, in ms: round trip, serving, decoding; smoothed. */
  get delay(): number {
    return this.mean ?? FIRST_GUESS_MS;
  }

  /** How long before a frame is due it is to be asked for, so that most are in time; in ms. */
  get lead(): number {
    return Math.min(MAX_LEAD_MS, this.delay + 2 * this.spread);
  }

  /** Between two requests, in ms, so that as many as may be are under way, and come evenly. */
  get spacing(): number {
    return this.delay / MAX_UNDER_WAY;
  }

  /** How long the next request has to wait, in ms; infinite until another is answered. */
  get wait(): number {
    if (this.count === 0) return 0;
    if (this.underWay.length >= MAX_UNDER_WAY) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.lastAt + this.spacing - performance.now());
  }

  isUnderWay(frame: number): boolean {
    return this.count > 0 && this.underWay.some((one) => one.frame === frame);
  }

  ask(frame: number, pixels: boolean, moving: boolean): void {
    const at = performance.now();
    this.lastAt = at;
    // Before it is sent: it may be answered at once.
    const asked: Asked = { id: Number.POSITIVE_INFINITY, frame, pixels, at, heardAt: at };
    this.underWay.push(asked);
    asked.id = this.send({ type: "want", frame, pixels, moving });
  }

  /** Note that the pixels of a request are here. Earlier ones get no answer any more. */
  settle(id: number): void {
    const asked = this.drop(id);
    if (asked) this.measure(performance.now() - asked.at);
  }

  /** Take a request that gets no answer off the list, and those before it; gives it. */
  drop(id: number): Asked | undefined {
    const asked = this.underWay.find((one) => one.id === id);
    if (asked) this.underWay = this.underWay.filter((one) => one.id > id);
    return asked;
  }

  /** Note that what a request asks for takes long, and is on its way. */
  prolong(id: number): void {
    for (const one of this.underWay) if (one.id === id) one.heardAt = performance.now();
  }

  /** Note that masks of a frame are here: all that some requests are for. */
  settleMasks(frame: number): void {
    this.underWay = this.underWay.filter((one) => one.pixels || one.frame !== frame);
  }

  forget(): void {
    this.underWay = [];
  }

  private measure(took: number): void {
    if (this.mean === null) {
      this.mean = took;
      return;
    }
    this.spread += GAIN * (Math.abs(took - this.mean) - this.spread);
    this.mean += GAIN * (took - this.mean);
  }
}
