/** Asking for the mask under the pointer: one request under way, and only the newest counts. */

import { covers, type Preview, sizeOf } from "../state/stage-state";
import type { Store } from "../state/store";
import type { PreviewMessage, Request } from "./protocol";

/** Where a click would be; in pixels of the image. */
export type HoverPlace = Pick<Preview, "frame" | "object" | "x" | "y">;

/** A request that is unanswered for so long does not hold the next one up. */
const PATIENCE_MS = 3000;
/** A click takes at most so long where previews are on by themselves. */
const QUICK_MS = 80;

export class Hovering {
  private asked: (HoverPlace & { id: number; at: number }) | null = null;
  private place: (HoverPlace & { reach: number }) | null = null;

  constructor(
    private readonly store: Store,
    private readonly send: (request: Request) => number,
  ) {}

  /** Whether previews are wanted: by choice, or because the device is quick. */
  get on(): boolean {
    const { display, status } = this.store.state;
    return display.hover ?? (status.click_ms > 0 && status.click_ms <= QUICK_MS);
  }

  /** The pointer is at a place; previews of places farther than `reach` from it are stale. */
  over(place: HoverPlace, reach: number): void {
    this.place = { ...place, reach };
    const { preview } = this.store.state;
    if (preview && !this.stillMeant(preview)) this.store.set("preview", null);
    this.ask();
  }

  /** The pointer has gone or means something else: an answer on its way is stale. */
  forget(): void {
    this.place = null;
    this.store.set("preview", null);
  }

  receive({ reply_to, iou }: PreviewMessage, runs: Uint32Array): void {
    if (this.asked?.id !== reply_to.id) return;
    const { frame, object, x, y } = this.asked;
    const preview = { frame, object, x, y, iou, runs };
    this.asked = null;
    this.store.set("preview", this.stillMeant(preview) ? preview : null);
    if (this.place && !same(this.place, preview)) this.ask();
  }

  /** The kernel is through with a request; true when it was one of these. */
  settle(id: number): boolean {
    if (this.asked?.id !== id) return false;
    const asked = this.asked;
    this.asked = null;
    if (this.place && !same(this.place, asked)) this.ask();
    return true;
  }

  private ask(): void {
    const { place, asked } = this;
    const at = performance.now();
    if (!place || (asked && at - asked.at < PATIENCE_MS)) return;
    const { frame, object, x, y } = place;
    const { preview } = this.store.state;
    if (preview && same(preview, place)) return;
    const id = this.send({ type: "hover", frame, object, x, y });
    this.asked = { frame, object, x, y, id, at };
  }

  /** Whether a preview is of the place where the pointer is, or of a mask that it is on. */
  private stillMeant(preview: Preview): boolean {
    const { place } = this;
    if (place?.frame !== preview.frame || place.object !== preview.object) return false;
    const [width] = sizeOf(this.store.state.video, preview.frame);
    return (
      Math.hypot(place.x - preview.x, place.y - preview.y) <= place.reach ||
      covers(preview.runs, width, place.x, place.y)
    );
  }
}

function same(a: HoverPlace, b: HoverPlace): boolean {
  return a.frame === b.frame && a.object === b.object && a.x === b.x && a.y === b.y;
}
