/**
 * Whether the kernel is there.
 *
 * The kernel says so once a second, from a thread of its own: also while a cell runs, when nothing
 * that it is asked would be answered. So a silent kernel is gone, be it that it died or that the way
 * to it is lost. One exception there is: a single call in a cell can hold up all of its threads.
 * Where the host watches the kernel it hears when its process ends, so that there only the way is to
 * be looked at.
 */

import type { Loss, Store } from "../state/store";
import type { Message } from "./protocol";

/** What the host knows of the kernel that a view belongs to. */
export interface KernelWatch {
  /** Why the kernel is not there, as far as the host knows; null where it is. */
  state(): Exclude<Loss["why"], "silent"> | null;
  onChange(listener: () => void): () => void;
  /** Whether the server can be reached, which hears when the kernel ends. */
  reaches(): Promise<boolean>;
}

/** The kernel speaks once in 1000 ms. */
const SILENT_MS = 2500;
/** Where the host watches the kernel, the way is looked at so early: that takes its time too. */
const LOOK_AFTER_MS = 1500;
/** While a model loads: to import its libraries may hold up all threads. */
const LOADING_MS = 20_000;
/** Who speaks so late does not speak regularly, as where a host holds messages back. */
const IRREGULAR_MS = 2000;
/** So many in time, one after the other, and silence means something. */
const REGULAR = 3;
const CHECK_MS = 250;
/** The kernel speaks for 60 s to who is not heard. */
const PING_MS = 20_000;
/** Work that was asked for so shortly before the kernel spoke may not have been begun by then. */
const JUST_ASKED_MS = 1000;

export class Liveness {
  private readonly timer: number;
  private readonly unwatch: () => void;
  private visible = true;
  private checkedAt = performance.now();
  private heardAt = performance.now();
  private spokeAt = Number.NEGATIVE_INFINITY;
  private pingedAt = performance.now();
  private askedAt = Number.NEGATIVE_INFINITY;
  private looking = false;
  /** How often the kernel has spoken in time. */
  private regular = 0;

  constructor(
    private readonly store: Store,
    private readonly ping: () => void,
    private readonly hello: () => void,
    private readonly watch?: KernelWatch,
  ) {
    this.timer = window.setInterval(() => this.check(), CHECK_MS);
    this.unwatch = watch?.onChange(() => this.check()) ?? (() => {});
  }

  close(): void {
    window.clearInterval(this.timer);
    this.unwatch();
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    this.regular = 0;
    this.store.set("speaks", false);
  }

  /** A person has asked for something that changes what there is to save. */
  asked(): void {
    this.askedAt = performance.now();
    this.store.set("unconfirmed", true);
  }

  /** A message of the kernel is here. */
  heard(message: Message): void {
    const now = performance.now();
    this.heardAt = now;
    if (message.type === "alive") {
      if (now - this.askedAt >= JUST_ASKED_MS) this.store.set("unconfirmed", false);
      this.regular = !message.pausing && now - this.spokeAt < IRREGULAR_MS ? this.regular + 1 : 0;
      this.spokeAt = now;
      this.store.set("speaks", this.regular >= REGULAR);
    }
    const { lost } = this.store.state;
    if (!lost || isOver(lost.why)) return;
    this.store.set("lost", null);
    this.hello(); // much may have happened meanwhile
  }

  private check(): void {
    const now = performance.now();
    // The page slept, and what has come is still to be read.
    if (now - this.checkedAt > 4 * CHECK_MS) this.heardAt = now;
    this.checkedAt = now;
    const state = this.watch?.state() ?? null;
    const { lost, status } = this.store.state;
    if (state) {
      this.lose(state);
      return;
    }
    if (lost?.why === "unreachable") {
      this.lose("silent"); // until it answers
      this.hello();
    }
    if (!this.visible || lost) return;
    if (now - this.pingedAt > PING_MS) {
      this.pingedAt = now;
      this.ping();
    }
    const most = this.watch ? LOOK_AFTER_MS : SILENT_MS;
    const patience = status.state === "loading" ? LOADING_MS : most;
    const silent = this.store.state.speaks && now - this.heardAt > patience;
    if (silent && !this.watch) this.lose("silent");
    else if (silent) void this.look();
  }

  /** Look whether the way is there to a kernel that is silent. */
  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    const since = this.heardAt;
    const reached = await this.watch?.reaches();
    this.looking = false;
    if (this.heardAt !== since) return;
    if (reached) this.heardAt = performance.now();
    else this.lose("silent");
  }

  private lose(why: Loss["why"]): void {
    const { store } = this;
    if (store.state.lost?.why === why) return;
    this.regular = 0;
    store.set("speaks", false);
    store.set("lost", { why, saved: store.isSaved });
    store.set("playing", false);
    store.set("goal", null);
    store.set("progress", null);
    store.set("proposing", null);
    store.set("pending", []);
  }
}

/** Whether nothing of this kernel will ever come any more. */
function isOver(why: string): why is "restarted" | "dead" {
  return why === "restarted" || why === "dead";
}
