/** The part of the video that ruler, filmstrip and lanes show, all of them the same. */

import type { Run } from "../../kernel/protocol";
import type { Store } from "../../state/store";

/** Fewer are never shown, so that a frame stays narrower than the axis. */
const MIN_FRAMES = 8;
/** What is left of the axis beyond the current frame when it is brought into sight. */
const MARGIN = 0.08;

/** What a lane shows of the video, in frames. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

export class TimeAxis implements Span {
  /** From frame to frame, with fractions; null is the whole video. */
  private part: Run | null = null;

  constructor(private readonly store: Store) {}

  get frames(): number {
    return Math.max(1, this.store.state.video.num_frames);
  }

  /** Its first frame, with fractions. */
  get start(): number {
    return this.part?.[0] ?? 0;
  }

  /** How many frames it shows, with fractions. */
  get length(): number {
    return this.part ? this.part[1] - this.part[0] : this.frames;
  }

  get zoomed(): boolean {
    return this.part !== null;
  }

  /** Where a frame begins, as a share of the axis: below 0 and above 1 out of sight. */
  shareOf(frame: number): number {
    return (frame - this.start) / this.length;
  }

  /** The frame at a share of the axis. */
  frameAt(share: number): number {
    const frame = Math.floor(this.start + share * this.length);
    return Math.max(0, Math.min(this.frames - 1, frame));
  }

  /** Show fewer frames, or more; what is at a share of the axis stays there. */
  zoomBy(factor: number, at = this.shareOf(this.store.state.frame + 0.5)): void {
    const share = at >= 0 && at <= 1 ? at : 0.5;
    const length = Math.max(Math.min(MIN_FRAMES, this.frames), this.length / factor);
    const place = this.start + share * this.length;
    this.show(place - share * length, length);
  }

  /** Go along the axis by a share of it. */
  panBy(share: number): void {
    this.show(this.start + share * this.length, this.length);
  }

  fit(): void {
    this.show(0, this.frames);
  }

  /** Go along where a frame is out of sight. */
  reveal(frame: number): void {
    if (!this.zoomed) return;
    const [start, length] = [this.start, this.length];
    const [before, beyond] = [start - frame, frame + 1 - (start + length)];
    if (before <= 0 && beyond <= 0) return;
    // One at the edge comes in whole, one farther away with what is around it.
    if (before > 0) this.show(before < 1 ? frame : frame - length * (1 - MARGIN), length);
    else this.show(beyond < 1 ? start + beyond : frame - length * MARGIN, length);
  }

  /** Stay within the video, which may be another one now. */
  update(): void {
    if (this.part && this.part[1] > this.frames) this.show(this.start, this.length);
  }

  private show(start: number, length: number): void {
    const from = Math.max(0, Math.min(start, this.frames - length));
    this.part = length >= this.frames ? null : [from, from + length];
    this.store.touch("axis");
  }
}
