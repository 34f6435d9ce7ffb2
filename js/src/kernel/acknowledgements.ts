/** Tells the kernel which messages have been drawn: it sends no faster than that. */

/** What a view that moves has drawn is told with its next request, or after so long. */
const PATIENCE_MS = 100;

export class Acknowledgements {
  private undrawn: number[] = [];
  /** What the kernel is to be told. */
  private seqs: number[] = [];
  private timer = 0;

  constructor(
    /** Each message costs all the way to the kernel and back, and who moves asks again soon. */
    private readonly moves: () => boolean,
    private readonly send: (seqs: number[]) => void,
  ) {}

  close(): void {
    window.clearTimeout(this.timer);
  }

  /** A message is here, and not on the screen yet. */
  hold(seq: number): void {
    this.undrawn.push(seq);
  }

  /** What is held is on the screen, or out of date. */
  release(): void {
    if (this.undrawn.length > 0) this.add(...this.undrawn.splice(0));
  }

  /** Messages are drawn, or need not be. */
  add(...seqs: number[]): void {
    this.seqs.push(...seqs);
    if (!this.moves()) this.flush();
    else if (!this.timer) this.timer = window.setTimeout(() => this.flush(), PATIENCE_MS);
  }

  /** What is to be told, for a message that tells it along. */
  take(): number[] {
    window.clearTimeout(this.timer);
    this.timer = 0;
    return this.seqs.splice(0);
  }

  /** The kernel has begun anew. */
  forget(): void {
    this.undrawn = [];
    this.take();
  }

  private flush(): void {
    const seqs = this.take();
    if (seqs.length > 0) this.send(seqs);
  }
}
