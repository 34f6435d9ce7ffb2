/** The conversation with the kernel: requests out, messages into the store, flow control. */

import { type Buffer, decodeJpeg, decodeRuns } from "./codecs";
import { type Message, PROTOCOL, parse, type Request, type SentRequest } from "./protocol";
import type { Pending, Store } from "./store";

/** What carries messages: anywidget's model, or a test. */
export interface Host {
  send(message: SentRequest): void;
  onMessage(listener: (content: unknown, buffers: Buffer[]) => void): () => void;
  epoch(): number;
}

export class Client {
  readonly view = crypto.randomUUID();
  private nextId = 1;
  private wanted: number | null = null;
  private epoch: number;
  private readonly undrawn: { seq: number; frame: number }[] = [];
  private readonly unlisten: () => void;

  constructor(
    private readonly host: Host,
    private readonly store: Store,
  ) {
    this.epoch = host.epoch();
    this.unlisten = host.onMessage((content, buffers) => {
      const message = parse(content);
      if (message) this.receive(message, buffers);
    });
  }

  close(): void {
    this.unlisten();
  }

  send(request: Request): number {
    const id = this.nextId++;
    this.host.send({ ...request, id, view: this.view, epoch: this.host.epoch() });
    return id;
  }

  /** Send a prompt and show it before the kernel has answered. */
  prompt(request: Request, pending: Pending): void {
    this.store.set("pending", [...this.store.state.pending, pending]);
    this.store.set("error", null);
    this.send(request);
  }

  /** Go to a frame. Only one request for pixels is under way; when it is answered, the frame
   * that is then current is asked for, so that scrubbing never queues up. */
  goTo(frame: number): void {
    const last = this.store.state.video.num_frames - 1;
    this.store.set("frame", Math.max(0, Math.min(last, Math.round(frame))));
    this.want();
  }

  want(): void {
    if (this.wanted !== null) return;
    this.wanted = this.store.state.frame;
    this.send({ type: "want", frame: this.wanted });
  }

  /** Tell the kernel that masks are on the screen. Returns how many batches of this frame were. */
  drawn(frame: number): number {
    const seen = this.undrawn.splice(0);
    for (const { seq } of seen) this.send({ type: "ack", seq });
    return seen.filter((batch) => batch.frame === frame).length;
  }

  hello(): void {
    this.send({ type: "hello" });
    this.refresh();
  }

  /** Ask for the current frame again, whatever became of the last request. */
  refresh(): void {
    this.wanted = null;
    this.want();
  }

  private receive(message: Message, buffers: Buffer[]): void {
    const { store } = this;
    if (message.epoch !== this.host.epoch()) return;
    if (message.epoch !== this.epoch) {
      this.epoch = message.epoch;
      store.reset();
    }
    switch (message.type) {
      case "welcome":
        if (message.protocol !== PROTOCOL)
          store.set(
            "error",
            "The widget in this page and the one in the kernel are of different versions. " +
              "Restart the kernel and reload the page.",
          );
        break;
      case "frame":
        void this.receiveFrame(message.frame, message.seq, buffers[0]);
        break;
      case "masks": {
        const records = message.masks.map((entry, i) => ({
          ...entry,
          runs: decodeRuns(buffers[i] ?? new ArrayBuffer(0)),
        }));
        store.putMasks(message.frame, records, message.complete);
        this.undrawn.push({ seq: message.seq, frame: message.frame });
        break;
      }
      case "prompts":
        store.putPrompts(message);
        break;
      case "timeline":
        store.timelines.set(message.object, message);
        store.touch("timeline");
        break;
      case "progress":
        store.set("progress", message.running ? message : null);
        if (message.running && store.state.follow) this.goTo(message.frame);
        break;
      case "error":
        store.set("error", message.text);
        store.set("pending", []);
        this.wanted = null;
        break;
      case "done":
        if (message.reply_to.view === this.view) store.set("pending", []);
        break;
    }
  }

  private async receiveFrame(frame: number, seq: number, jpeg: Buffer | undefined): Promise<void> {
    try {
      if (jpeg) {
        const bitmap = await decodeJpeg(jpeg);
        this.store.frames.set(frame, bitmap, bitmap.width * bitmap.height * 4);
        this.store.touch("frames");
      }
    } catch {
      this.store.set("error", `Frame ${frame} could not be decoded by the browser.`);
    } finally {
      this.send({ type: "ack", seq });
      this.wanted = null;
      if (this.store.state.frame !== frame) this.want();
    }
  }
}
