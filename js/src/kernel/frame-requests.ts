/** Requests for frames: which are under way, and how long they take. */

import type { WantRequest } from "./protocol";

/** So many are under way at most: what was asked for earlier holds up what is asked for now. */
export const MAX_UNDER_WAY = 4;
/** Who plays asks for so many frames at once: each message costs server, kernel and page time. */
export const FRAMES_AT_ONCE = 2;
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
  /** Of the first frame; those after it have the next ones. */
  id: number;
  frames: number[];
  /** How many of them are answered. */
  answered: number;
  pixels: boolean;
  at: number;
  heardAt: number;
}

/** Frames that no answer has come for. */
function left({ frames, answered }: Asked): number[] {
  return frames.slice(answered);
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

  /** Between two requests, in ms, so that as many as may be are under way, and evenly. */
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
    return this.count > 0 && this.underWay.some((one) => left(one).includes(frame));
  }

  /** Ask for a frame, and for those that are wanted next. */
  ask(frames: [number, ...number[]], pixels: boolean, moving: boolean): void {
    const at = performance.now();
    this.lastAt = at;
    // Before it is sent: it may be answered at once.
    const id = Number.POSITIVE_INFINITY;
    const asked: Asked = { id, frames, answered: 0, pixels, at, heardAt: at };
    this.underWay.push(asked);
    const [frame, ...then] = frames;
    asked.id = this.send({ type: "want", frame, then, pixels, moving });
  }

  /** Note that the pixels of a request are here. Earlier ones get no answer any more. */
  settle(id: number): void {
    const asked = this.find(id);
    if (asked?.answered === 0) this.measure(performance.now() - asked.at);
    this.drop(id);
  }

  /** Take a request that gets no answer off the list, and those before it; gives its frame. */
  drop(id: number): number | undefined {
    const asked = this.find(id);
    if (!asked) return undefined;
    asked.answered = id - asked.id + 1;
    this.underWay = this.underWay.filter(
      (one) => one.id > id || (one === asked && left(one).length > 0),
    );
    return asked.frames[id - asked.id];
  }

  /** Note that what a request asks for takes long, and is on its way. */
  prolong(id: number): void {
    const asked = this.find(id);
    if (asked) asked.heardAt = performance.now();
  }

  /** Note that masks of a frame are here: all that some requests are for. */
  settleMasks(frame: number): void {
    this.underWay = this.underWay.filter((one) => one.pixels || !one.frames.includes(frame));
  }

  forget(): void {
    this.underWay = [];
  }

  private find(id: number): Asked | undefined {
    return this.underWay.find((one) => one.id <= id && id < one.id + one.frames.length);
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
