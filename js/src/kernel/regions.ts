/** Parts of a large picture, as sharp as the screen shows them: one request under way at a time. */

import type { Store } from "../state/store";
import { type Buffer, decodeJpeg } from "./codecs";
import type { BoxPx, RegionMessage, Request } from "./protocol";

/** A part of the picture. */
export interface Region {
  /** x0, y0, x1, y1 in pixels of the picture. */
  box: BoxPx;
  pixels: ImageBitmap;
}

/** Those before are kept, so that panning back shows them at once. */
const MAX_KEPT = 8;
/** A request that is unanswered for so long does not hold the next one up. */
const PATIENCE_MS = 5000;
/** Around what is on the stage, as a share of it, so that a little panning needs no request. */
const MARGIN = 0.15;
/** A region that is coarser than this share of what the screen shows is asked for anew. */
const SHARP = 0.85;
const MAX_SIDE = 4096;

export class Regions {
  /** From the oldest. */
  kept: Region[] = [];
  private asked: { id: number; at: number } | null = null;
  private look = 0;

  constructor(
    private readonly store: Store,
    private readonly send: (request: Request) => number,
  ) {}

  /** Ask for what is on the stage, unless it is here or something else is under way.
   * `density` is how many pixels of the screen a pixel of the picture takes. */
  want(frame: number, [x0, y0, x1, y1]: BoxPx, density: number): void {
    const { width, height } = this.store.state.video;
    const share = Math.min(1, density);
    const now = performance.now();
    if (this.asked && now - this.asked.at < PATIENCE_MS) return;
    if (x1 <= x0 || y1 <= y0 || this.kept.some((one) => isEnough(one, [x0, y0, x1, y1], share)))
      return;
    const [dx, dy] = [(x1 - x0) * MARGIN, (y1 - y0) * MARGIN];
    const box: BoxPx = [
      ...[Math.max(0, Math.floor(x0 - dx)), Math.max(0, Math.floor(y0 - dy))],
      ...[Math.min(width, Math.ceil(x1 + dx)), Math.min(height, Math.ceil(y1 + dy))],
    ] as unknown as BoxPx;
    const sideOf = (length: number) => Math.max(1, Math.min(MAX_SIDE, Math.round(length * share)));
    const id = this.send({
      ...{ type: "want_region", frame, x0: box[0], y0: box[1], x1: box[2], y1: box[3] },
      ...{ width: sideOf(box[2] - box[0]), height: sideOf(box[3] - box[1]) },
    } as Request);
    this.asked = { id, at: now };
  }

  async receive(message: RegionMessage, jpeg: Buffer): Promise<void> {
    const { look } = this;
    const { x0, y0, x1, y1 } = message;
    const pixels = await decodeJpeg(jpeg).catch(() => null);
    this.settle(message.reply_to.id);
    if (!pixels) return;
    if (look !== this.look) {
      pixels.close();
      return;
    }
    this.kept.push({ box: [x0, y0, x1, y1], pixels });
    while (this.kept.length > MAX_KEPT) this.kept.shift()?.pixels.close();
    this.store.touch("zoom"); // the stage is drawn anew
  }

  /** The kernel is through with a request; true when it was one of these. */
  settle(id: number): boolean {
    if (this.asked?.id !== id) return false;
    this.asked = null;
    return true;
  }

  /** What is here is out of date. */
  forget(): void {
    this.look++;
    this.asked = null;
    for (const { pixels } of this.kept) pixels.close();
    this.kept = [];
  }
}

/** Whether a region shows a part of the picture as sharp as `share` of its pixels would. */
function isEnough({ box, pixels }: Region, [x0, y0, x1, y1]: BoxPx, share: number): boolean {
  const [left, top, right, bottom] = box;
  const holds = left <= x0 && top <= y0 && right >= x1 && bottom >= y1;
  return holds && pixels.width / (right - left) >= SHARP * share;
}
