/**
 * Plays the video at its own pace.
 *
 * Frames are asked for before they are due, and painted when they are, or as soon as they come.
 * Where the link cannot bring all of them, some are left out, evenly.
 */

import type { Client } from "../kernel/client";
import { FRAMES_AT_ONCE } from "../kernel/frame-requests";
import type { Run } from "../kernel/protocol";
import type { Store } from "./store";

export const SPEEDS = [0.25, 0.5, 1, 2, 4];
const OTHERWISE_FPS = 25;

/** Frames are counted from the start of the range, on and on where it is played in a loop. */
interface Clock {
  span: Run;
  /** Count that is due at the time `at`, in ms; null until the first frame has come. */
  count: number;
  at: number;
  started: boolean;
}

export class Player {
  private request = 0;
  private clock: Clock = { span: [0, 1], count: 0, at: 0, started: false };
  /** Count of the frame that is painted, and of the last that was asked for. */
  private shown = 0;
  private asked = 0;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {}

  close(): void {
    cancelAnimationFrame(this.request);
  }

  toggle(): void {
    if (this.store.state.playing) this.pause();
    else this.play();
  }

  play(): void {
    const [start, stop] = this.span;
    const { frame } = this.store.state;
    if (stop - start <= 1) return;
    this.store.set("follow", false);
    this.store.set("goal", null);
    this.store.set("playing", true);
    this.begin(frame >= stop - 1 || frame < start ? start : frame);
    this.request = requestAnimationFrame(() => this.tick());
  }

  pause(): void {
    cancelAnimationFrame(this.request);
    this.store.set("playing", false);
    this.client.frames.rest();
  }

  /** Go to the next speed, up or down. */
  changeSpeed(by: 1 | -1): void {
    const at = SPEEDS.indexOf(this.store.state.speed) + by;
    this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at))] as number);
  }

  setSpeed(speed: number): void {
    this.store.set("speed", speed);
    this.begin(this.store.state.frame);
  }

  private get span(): Run {
    const { range, video } = this.store.state;
    return range ?? [0, video.num_frames];
  }

  /** Between two frames. */
  private get intervalMs(): number {
    const { video, speed } = this.store.state;
    return 1000 / ((video.fps || OTHERWISE_FPS) * speed);
  }

  /** Let the clock begin at a frame, which is painted first if it is not yet. */
  private begin(frame: number): void {
    const { span } = this;
    const count = frame - span[0] - (frame === this.store.state.frame ? 0 : 1);
    this.shown = this.asked = count;
    this.clock = { span, count, at: performance.now(), started: false };
  }

  private tick(): void {
    if (!this.store.state.playing) return;
    const [start, stop] = this.span;
    const [knownStart, knownStop] = this.clock.span;
    if (start !== knownStart || stop !== knownStop) {
      const { frame } = this.store.state;
      this.begin(frame < start || frame >= stop ? start : frame);
    }
    const now = performance.now();
    this.ask(now);
    this.paint(now);
    if (!this.store.state.loop && this.shown >= this.last) {
      this.pause();
      return;
    }
    this.request = requestAnimationFrame(() => this.tick());
  }

  /** The last frame's count, if it is not begun anew. */
  private get last(): number {
    const [start, stop] = this.span;
    const rounds = Math.floor(Math.max(this.shown, 0) / (stop - start));
    return (rounds + 1) * (stop - start) - 1;
  }

  private dueAt(time: number): number {
    const { count, at } = this.clock;
    const due = count + Math.floor(Math.max(0, time - at) / this.intervalMs);
    return this.store.state.loop ? due : Math.min(due, this.last);
  }

  private frameOf(count: number): number {
    const [start, stop] = this.span;
    return start + (count % (stop - start));
  }

  private ask(now: number): void {
    const { frames } = this.client;
    // The first are asked for at the pace at which they will be due.
    const ahead = this.clock.started ? frames.lead : this.intervalMs;
    const aim = this.dueAt(now + ahead);
    // What should have been painted by now is not asked for any more.
    this.asked = Math.max(this.asked, this.dueAt(now) - 1);
    const inTime = frames.spacing <= this.intervalMs;
    while (this.asked < aim) {
      const next = this.asked + 1;
      if (frames.isCurrent(this.frameOf(next))) {
        this.asked = next;
        continue;
      }
      const step = inTime ? 1 : aim - this.asked;
      const first = this.asked + step;
      const then = [];
      for (let n = 1; n < FRAMES_AT_ONCE; n++) {
        const count = first + n * step;
        if (this.store.state.loop || count <= this.last) then.push(this.frameOf(count));
      }
      const fetched = frames.fetch([this.frameOf(first), ...then]);
      if (fetched === 0) return;
      this.asked += fetched * step;
    }
  }

  /** Paint the newest frame that is due and here; of the first ones, that which comes first. */
  private paint(now: number): void {
    const { frames } = this.client;
    const [start, stop] = this.span;
    const { started } = this.clock;
    let count = started ? this.dueAt(now) : this.asked;
    const oldest = Math.max(this.shown + 1, count - (stop - start) + 1);
    let at: number | undefined;
    for (; count >= oldest && !(started && at !== undefined); count--)
      if (frames.isHere(this.frameOf(count))) at = count;
    if (at === undefined) return;
    this.shown = at;
    frames.show(this.frameOf(at));
    if (!started) this.clock = { ...this.clock, count: at, at: now, started: true };
  }
}
