import type { Buffer } from "../src/kernel/codecs";
import type { SentRequest } from "../src/kernel/protocol";
import type { ObjectInfo } from "../src/kernel/traits";
import { newState, type State, type Traits } from "../src/state/store";
import type { ViewHost } from "../src/view";

export function objectOf(id: number, color = "#2f7ff5"): ObjectInfo {
  const shown = { visible: true, locked: false, class_name: "", attributes: {} };
  return { id, name: `Object ${id}`, color, dash: [], ...shown };
}

/** A host that records what is sent and plays the kernel's part. */
export class FakeHost implements ViewHost {
  sent: SentRequest[] = [];
  kernelEpoch = 1;
  /** Whether the kernel sends what is wanted. */
  answers = false;
  written: [string, string | number][] = [];
  current: Traits = {
    video: {
      width: 8,
      height: 4,
      num_frames: 20,
      fps: 10,
      interval_s: 0.1,
      name: "clip",
      kind: "video",
      sizes: null,
      live: null,
      pixel_size: null,
      windowed: false,
    },
    objects: [objectOf(1)],
    selected: 1,
    frame: 0,
    status: { state: "ready", message: "", model: "nano", device: "cpu", click_ms: 0 },
    history: { undo: "point", redo: "" },
    auto_propagate: "corrections",
    clean_masks: 0.01,
    non_overlapping: true,
    class_list: [],
    current_class: "",
    color_by: "object",
  };
  private readonly listeners = new Set<(content: unknown, buffers: Buffer[]) => void>();
  private readonly traitListeners = new Set<() => void>();

  send(message: SentRequest): void {
    this.sent.push(message);
    if (this.answers && message.type === "want") queueMicrotask(() => this.answer(message));
  }
  private answer({ view, id, frame, pixels }: SentRequest & { type: "want" }): void {
    const reply_to = { view, id };
    const seq = 2 * id;
    this.receive({ type: "masks", seq, reply_to: null, frame, complete: true, masks: [] });
    const picture = { seq: seq + 1, reply_to, frame, towards: null, reduced: false };
    if (pixels) this.receive({ type: "frame", ...picture }, [new ArrayBuffer(4)]);
  }
  onMessage(listener: (content: unknown, buffers: Buffer[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  epoch(): number {
    return this.kernelEpoch;
  }
  traits(): Traits {
    return this.current;
  }
  onTraits(listener: () => void): () => void {
    this.traitListeners.add(listener);
    return () => this.traitListeners.delete(listener);
  }
  frameOfViews(): number | undefined {
    return this.written.findLast(([name]) => name === "frame")?.[1] as number | undefined;
  }
  setTrait(name: string, value: string | number): void {
    this.written.push([name, value]);
    this.current = { ...this.current, [name]: value };
  }

  receive(content: object, buffers: Buffer[] = []): void {
    for (const listener of this.listeners)
      listener({ epoch: this.kernelEpoch, ...content }, buffers);
  }
  change(traits: Partial<Traits>): void {
    this.current = { ...this.current, ...traits };
    for (const listener of this.traitListeners) listener();
  }
  of(type: SentRequest["type"]): SentRequest[] {
    return this.sent.filter((message) => message.type === type);
  }
}

export function viewState(host: FakeHost): State {
  return newState(host.traits());
}

/** Let promises and microtasks run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
