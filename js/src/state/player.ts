/** Plays the video at its own pace; frames that do not come in time are left out. */

import type { Client } from "../kernel/client";
import type { Run } from "../kernel/protocol";
import type { Store } from "./store";

export const SPEEDS = [0.25, 0.5, 1, 2, 4];
const OTHERWISE_FPS = 25;

export class Player {
  private request = 0;
  private from = { frame: 0, at: 0, speed: 1 };

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
    this.store.set("playing", true);
    this.begin(frame >= stop - 1 || frame < start ? start : frame);
    this.request = requestAnimationFrame((now) => this.tick(now));
  }

  pause(): void {
    cancelAnimationFrame(this.request);
    this.store.set("playing", false);
    this.client.want(); // the frame at which it stopped, if it was left out
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

  private begin(frame: number): void {
    this.from = { frame, at: performance.now(), speed: this.store.state.speed };
    this.client.goTo(frame);
  }

  private tick(now: number): void {
    const { playing, video, loop, frame } = this.store.state;
    if (!playing) return;
    const [start, stop] = this.span;
    const fps = (video.fps || OTHERWISE_FPS) * this.from.speed;
    const passed = Math.max(0, Math.floor(((now - this.from.at) / 1000) * fps));
    const next = this.from.frame + passed;
    if (next >= stop) {
      if (!loop) {
        this.client.goTo(stop - 1);
        this.pause();
        return;
      }
      this.begin(start);
    } else if (next !== frame) this.client.goTo(next);
    this.request = requestAnimationFrame((then) => this.tick(then));
  }
}
