/**
 * Where a view is in time: asks for frames, and shows them when they are here.
 *
 * To jump is to be at a frame at once, though its pixels may still be on their way. To move is what
 * a person does who scrubs, plays or follows: the view is at the frame that is painted, and on its
 * way it paints the newest frame that is here, with its masks.
 */

import type { Store } from "../state/store";
import { type Buffer, decodeJpeg } from "./codecs";
import { FrameRequests, type Wish } from "./frame-requests";
import type { FrameMessage } from "./protocol";

/** Who has not moved for so long rests: the picture is made sharp. */
const REST_MS = 250;
/** How often a view that waits looks whether it is to ask again. */
const RETRY_MS = 1000;

export class FrameLoader {
  /** Rises when frames look otherwise: pixels of an earlier look are out of date. */
  look = 0;
  private readonly requests: FrameRequests;
  /** Frames whose masks and prompts have been told, since when none has changed. */
  private readonly known = new Set<number>();
  /** Of the newest request whose pixels have been here. */
  private newestId = 0;
  /** The newest frame whose pixels are here, and whose masks are not. */
  private bare: number | null = null;
  private movedAt = Number.NEGATIVE_INFINITY;
  private timer = 0;

  constructor(
    private readonly store: Store,
    send: (request: Wish) => number,
  ) {
    this.requests = new FrameRequests(send);
  }

  close(): void {
    window.clearTimeout(this.timer);
  }

  /** From asking for a frame to having it, so that most are here in time; in ms. */
  get lead(): number {
    return this.requests.lead;
  }

  /** The least time between two frames that are asked for, in ms. */
  get spacing(): number {
    return this.requests.spacing;
  }

  jumpTo(frame: number): void {
    this.movedAt = Number.NEGATIVE_INFINITY;
    this.store.set("goal", null);
    this.store.set("frame", this.within(frame));
    this.want();
  }

  moveTo(frame: number): void {
    const goal = this.within(frame);
    const { state } = this.store;
    if (goal === state.frame) {
      this.jumpTo(goal);
      return;
    }
    this.store.set("goal", goal);
    this.seek(this.markMoving());
  }

  /** Whether a frame can be painted as it was when it was last told of. */
  isHere(frame: number): boolean {
    const { frames, outdated, masks, state } = this.store;
    return (
      frames.has(frame) && !outdated.has(frame) && (state.objects.length === 0 || masks.has(frame))
    );
  }

  /** Whether there is nothing that a request could bring to a view that moves. */
  isCurrent(frame: number): boolean {
    return this.isHere(frame) && this.store.masks.has(frame) && this.known.has(frame);
  }

  /** Whether the view moves, or has just moved: it is likely to ask for more soon. */
  get busy(): boolean {
    return this.store.moving || performance.now() - this.movedAt < REST_MS;
  }

  /** Whether a frame is not to be seen yet: what comes of it changes nothing on the page. */
  isAhead(frame: number): boolean {
    return this.store.moving && frame !== this.store.state.frame;
  }

  /** Ask for frames that are needed soon; gives how many need not be asked for any more. */
  fetch(frames: [number, ...number[]]): number {
    if (this.requests.isUnderWay(frames[0])) return 1;
    if (this.requests.wait > 0) return 0;
    this.markMoving();
    const pixels = !this.hasPixels(frames[0]);
    const alike = (frame: number) =>
      this.hasPixels(frame) !== pixels &&
      !this.isCurrent(frame) &&
      !this.requests.isUnderWay(frame);
    const [first, ...then] = frames;
    const other = then.findIndex((frame) => !alike(frame));
    const asked = other < 0 ? then : then.slice(0, other);
    this.requests.ask([first, ...asked], pixels, true);
    return 1 + asked.length;
  }

  /** Be at a frame that is here. */
  show(frame: number): void {
    const { store } = this;
    store.set("frame", frame);
    if (store.state.goal === frame) store.set("goal", null);
    if (!store.moving) this.restSoon();
  }

  /** Ask for what is lacking of the frame where the view is, sharp pixels too. One such request is
   * under way at a time: when it is answered, the frame that is then current is asked for. */
  want(): void {
    const { masks, reduced, state } = this.store;
    const { frame } = state;
    if (this.store.moving || this.requests.count > 0) return;
    const pixels = !this.hasPixels(frame) || reduced.has(frame);
    if (!pixels && masks.has(frame) && this.known.has(frame)) return;
    this.requests.ask([frame], pixels, false);
  }

  /** The view stays where it is: what is still under way does not matter. */
  rest(): void {
    this.store.set("goal", null);
    this.requests.forget();
    this.want();
  }

  /** What was asked for is not answered any more, and what was told may not be so now. */
  forget(): void {
    this.requests.forget();
    this.known.clear();
  }

  /** Nobody knows what a failure was about. */
  forgetRequests(): void {
    this.requests.forget();
  }

  /** Ask anew for the current frame's masks and prompts. */
  refresh(): void {
    this.known.delete(this.store.state.frame);
    this.want();
  }

  /** Some masks are others. */
  forgetMasks(): void {
    this.known.clear();
  }

  /** Frames look otherwise now. */
  changeLook(): void {
    this.look++;
    this.store.forgetLook();
    this.requests.forget();
    this.goOn();
  }

  /** Paint a frame that came, if the view moves; ask for what is to come next. */
  goOn(arrived?: number): void {
    const { goal } = this.store.state;
    if (goal === null) {
      const { frame } = this.store.state;
      if (arrived !== frame || this.store.reduced.has(frame)) this.restSoon();
      return;
    }
    if (arrived !== undefined && this.isHere(arrived)) this.show(arrived);
    this.seek(true);
  }

  /** Whether a frame has been asked for that is not to be seen yet. */
  isAwaited(frame: number): boolean {
    return this.isAhead(frame) && this.requests.isUnderWay(frame);
  }

  /** Masks of a frame have been put into the store. */
  masksCame(frame: number): void {
    const asked = frame === this.bare || this.requests.isUnderWay(frame);
    if (asked) this.known.add(frame);
    this.requests.settleMasks(frame);
    if (asked) this.goOn(frame);
  }

  /** Decode a frame and put it into the store. True unless the session is another one by then. */
  async receive(
    message: FrameMessage,
    jpeg: Buffer,
    mine: boolean,
    isCurrent: () => boolean,
  ): Promise<boolean> {
    const { frame, towards, reduced, reply_to } = message;
    const { store, look } = this;
    try {
      const bitmap = await decodeJpeg(jpeg);
      if (!isCurrent()) {
        bitmap.close();
        return false;
      }
      const sharper = store.frames.has(frame) && !store.outdated.has(frame) && reduced;
      if (look !== this.look || (sharper && !store.reduced.has(frame))) bitmap.close();
      else this.put(frame, bitmap, reduced);
    } catch {
      store.set("error", `The browser could not decode frame ${frame}.`);
    }
    if (!this.isAhead(frame)) store.touch("frames");
    if (!mine) return true;
    const { frame: at } = store.state;
    if (towards === null) this.requests.settle(reply_to.id);
    else if (store.moving || towards === at) this.requests.prolong(reply_to.id);
    else this.requests.drop(reply_to.id); // the kernel need not go all the way
    if (towards !== null && towards === at) store.onTheWay = { frame, towards };
    // Pictures may be decoded in another order than they came.
    const newest = reply_to.id >= this.newestId;
    if (newest) {
      this.newestId = reply_to.id;
      this.bare = this.isHere(frame) ? null : frame;
    }
    this.goOn(newest ? frame : undefined);
    return true;
  }

  /** A request has failed; true if it was one of these. */
  fail(id: number): boolean {
    const failed = this.requests.drop(id);
    const { goal } = this.store.state;
    // Nothing comes from there. Be there all the same: who steps on gets past it.
    if (goal !== null && failed === goal) {
      this.store.set("goal", null);
      this.store.set("frame", goal);
    } else if (goal !== null) this.seek(true);
    return failed !== undefined;
  }

  private seek(moving: boolean): void {
    const { goal } = this.store.state;
    window.clearTimeout(this.timer);
    if (goal === null) {
      this.restSoon();
      return;
    }
    if (this.isHere(goal)) {
      this.show(goal); // and what has changed there meanwhile comes after a rest
      return;
    }
    const wait = this.requests.isUnderWay(goal) ? RETRY_MS : this.requests.wait;
    if (wait === 0) this.requests.ask([goal], !this.hasPixels(goal), moving);
    this.timer = window.setTimeout(() => this.seek(true), Math.min(wait || RETRY_MS, RETRY_MS));
  }

  private markMoving(): boolean {
    const now = performance.now();
    const moving = now - this.movedAt < REST_MS;
    this.movedAt = now;
    return moving;
  }

  private restSoon(): void {
    window.clearTimeout(this.timer);
    const { frame } = this.store.state;
    const left = this.movedAt + REST_MS - performance.now();
    // Sharp already: the masks are not to wait.
    if (left <= 0 || !this.store.reduced.has(frame)) this.want();
    else this.timer = window.setTimeout(() => this.want(), left);
  }

  private put(frame: number, bitmap: ImageBitmap, reduced: boolean): void {
    const { store } = this;
    store.outdated.delete(frame);
    if (reduced) store.reduced.add(frame);
    else store.reduced.delete(frame);
    store.frames.set(frame, bitmap, bitmap.width * bitmap.height * 4);
  }

  private hasPixels(frame: number): boolean {
    return this.store.frames.has(frame) && !this.store.outdated.has(frame);
  }

  private within(frame: number): number {
    const { live, num_frames } = this.store.state.video;
    return Math.max(live?.first ?? 0, Math.min(num_frames - 1, Math.round(frame)));
  }
}
