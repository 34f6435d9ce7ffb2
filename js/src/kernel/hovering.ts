/** Asking for the mask under the pointer: one request under way, and only the newest counts. */

import { covers, type Preview, sizeOf } from "../state/stage-state";
import type { Store } from "../state/store";
import type { LocalDecoder } from "./local-decoder";
import type { ClickRequest, PreviewMessage, Request } from "./protocol";

/** Where a click would be; in pixels of the image. */
export type HoverPlace = Pick<Preview, "frame" | "object" | "x" | "y">;

/** A request that is unanswered for so long does not hold the next one up. */
const PATIENCE_MS = 3000;
/** A click takes at most so long where previews are on by themselves. */
const QUICK_MS = 80;

export class Hovering {
  /** Answers in the page, ahead of the kernel, where that is on. */
  local: LocalDecoder | null = null;
  /** A click that the kernel has not answered, and its request. */
  private click: (HoverPlace & { id: number }) | null = null;
  private asked: (HoverPlace & { id: number; at: number }) | null = null;
  private place: (HoverPlace & { reach: number }) | null = null;

  constructor(
    private readonly store: Store,
    private readonly send: (request: Request) => number,
  ) {}

  /** Whether previews are wanted: by choice, or because the device is quick. */
  get on(): boolean {
    const { display, status } = this.store.state;
    return (
      display.hover ?? (this.local !== null || (status.click_ms > 0 && status.click_ms <= QUICK_MS))
    );
  }

  /** The pointer is at a place; previews of places farther than `reach` from it are stale. */
  over(place: HoverPlace, reach: number): void {
    this.place = { ...place, reach };
    const { preview } = this.store.state;
    if (preview && !this.stillMeant(preview)) this.store.set("preview", null);
    this.ask();
    const { preview: shown } = this.store.state;
    if (!shown || !same(shown, place)) this.local?.decode(place, 1);
  }

  /** Show what was decoded in the page, until the kernel's answer takes its place. */
  answer(place: HoverPlace, iou: number, runs: Uint32Array): void {
    const { preview } = this.store.state;
    const meant = [this.place, this.click].some((one) => one && same(one, place));
    if (!meant || (preview && !preview.local && same(preview, place))) return;
    const { frame, object, x, y } = place;
    this.store.set("preview", { frame, object, x, y, iou, runs, local: true });
  }

  /** A click was sent: what it gives is shown before the kernel's masks come. */
  clicked(id: number, { frame, object, x, y, label }: ClickRequest): void {
    this.click = { id, frame, object, x, y };
    this.local?.decode(this.click, label);
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
    const { preview: shown } = this.store.state;
    // What the page has decoded is of a newer place.
    if (!shown?.local || same(shown, preview) || !this.stillMeant(shown))
      this.store.set("preview", this.stillMeant(preview) ? preview : null);
    if (this.place && !same(this.place, preview)) this.ask();
  }

  /** The kernel is through with a request; true when it was one of these. */
  settle(id: number): boolean {
    if (this.click?.id === id) {
      const { preview } = this.store.state;
      if (preview && same(preview, this.click)) this.store.set("preview", null);
      this.click = null;
    }
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
    if (preview && !preview.local && same(preview, place)) return;
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
