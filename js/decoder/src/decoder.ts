/** The page's part: it fetches what the worker needs, and asks it for masks. */

import type { Buffer } from "../../src/kernel/codecs";
import type { HoverPlace } from "../../src/kernel/hovering";
import type { DecoderHost, LocalDecoder } from "../../src/kernel/local-decoder";
import type { DecoderFile, FeaturesMessage, Message } from "../../src/kernel/protocol/messages";
import type { FromWorker, ToWorker } from "./exchange";
import { type Choice, chooseProvider, type Gpu, type Provider } from "./providers";

/** Programs of the worker, by what they run networks with. */
declare const WORKERS: Record<Provider, string>;

const RUNTIMES = { webgpu: "runtime_webgpu", wasm: "runtime" } as const;
/** Frames and objects whose features are kept. */
const MAX_KEPT = 4;
/** A request for features that is unanswered for so long is made again. */
const PATIENCE_MS = 5000;

interface Place extends HoverPlace {
  label: number;
}

export default function start(host: DecoderHost): LocalDecoder {
  return new Decoder(host);
}

class Decoder implements LocalDecoder {
  /** None until it is known what runs the network. */
  private worker: Worker | null = null;
  private choice: Choice | null = null;
  private closed = false;
  /** By frame and object, the key under which the worker has the features. */
  private readonly kept = new Map<string, number>();
  private readonly files = new Map<DecoderFile, { parts: Uint8Array[]; received: number }>();
  private asked: { id: number; name: string; at: number } | null = null;
  private network = "";
  private ready = false;
  private lastKey = 0;
  private lastId = 0;
  private waiting: Place | null = null;
  private running: (Place & { id: number }) | null = null;

  constructor(private readonly host: DecoderHost) {
    const { gpu } = navigator as { gpu?: Gpu };
    chooseProvider(gpu)
      .then((choice) => this.start(choice))
      .catch((error) => console.warn(`sam2widget's decoder: ${error}`));
  }

  close(): void {
    this.closed = true;
    this.worker?.terminate();
  }

  decode(place: HoverPlace, label: number): void {
    const { frame, object, x, y } = place;
    this.waiting = { frame, object, x, y, label };
    this.next();
  }

  receive(message: Message, buffers: Buffer[]): void {
    switch (message.type) {
      case "prompts":
      case "candidates":
        this.forget((name) => name === nameOf(message.frame, message.object));
        break;
      case "timeline":
        this.forget((name) => name.endsWith(`/${message.object}`));
        break;
      case "contrast":
        this.forget(() => true);
        break;
      case "decoder": // the kernel is another one, or was away: what was under way may be lost
        this.forget(() => true);
        for (const file of Object.values(RUNTIMES)) if (this.files.has(file)) this.fetch(file);
        if (!this.ready) this.network = "";
        break;
      case "decoder_part": {
        if (message.reply_to.view !== this.host.view) return;
        const file = this.files.get(message.file);
        if (!file || file.received !== message.offset) return;
        const part = bytesOf(buffers[0] as Buffer);
        file.parts.push(part);
        file.received += part.length;
        if (file.received < message.total && part.length > 0) this.ask(message.file, file.received);
        else void this.complete(message.file, file.parts);
        break;
      }
      case "features":
        if (message.reply_to.view === this.host.view && message.reply_to.id === this.asked?.id)
          this.keep(message, bytesOf(buffers[0] as Buffer));
    }
  }

  private start(choice: Choice): void {
    if (this.closed) return;
    this.choice = choice;
    const code = new Blob([WORKERS[choice.provider]], { type: "text/javascript" });
    this.worker = new Worker(URL.createObjectURL(code), { type: "module" });
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.hear(data);
    this.fetch(RUNTIMES[choice.provider]);
    this.next();
  }

  private fetch(file: DecoderFile): void {
    this.files.set(file, { parts: [], received: 0 });
    this.ask(file, 0);
  }

  private ask(file: DecoderFile, offset: number): void {
    this.host.send({ type: "want_decoder", file, offset });
  }

  private async complete(file: DecoderFile, parts: Uint8Array[]): Promise<void> {
    this.files.delete(file);
    const packed = new Blob(parts as BlobPart[]).stream();
    const bytes = await new Response(
      packed.pipeThrough(new DecompressionStream("gzip")),
    ).arrayBuffer();
    if (file === "network") this.tell({ type: "network", network: bytes }, [bytes]);
    else this.tell({ type: "start", runtime: bytes, choice: this.choice as Choice }, [bytes]);
  }

  private keep(message: FeaturesMessage, bytes: Uint8Array): void {
    const name = this.asked?.name as string;
    this.asked = null;
    if (message.network !== this.network) {
      // Another model: the features are asked for again when its decoder is there.
      this.network = message.network;
      this.ready = false;
      this.forget(() => true);
      this.fetch("network");
      return;
    }
    if (!this.ready) return;
    const key = ++this.lastKey;
    const maps = bytes.slice().buffer as ArrayBuffer;
    const { size, channels, points, labels, has_mask } = message;
    const inputs = { size, channels, points, labels, has_mask };
    this.tell({ type: "features", key, inputs, maps }, [maps]);
    this.kept.set(name, key);
    const oldest = [...this.kept.keys()].slice(0, -MAX_KEPT);
    this.forget((one) => oldest.includes(one));
    this.next();
  }

  private forget(which: (name: string) => boolean): void {
    if (this.asked && which(this.asked.name)) this.asked = null;
    for (const [name, key] of this.kept)
      if (which(name)) {
        this.kept.delete(name);
        this.tell({ type: "forget", key });
      }
  }

  private next(): void {
    const place = this.waiting;
    if (!place || this.running || !this.worker) return;
    const name = nameOf(place.frame, place.object);
    const key = this.kept.get(name);
    if (key === undefined) {
      this.want(name, place);
      return;
    }
    this.waiting = null;
    this.running = { ...place, id: ++this.lastId };
    const { x, y, label } = place;
    const [width, height] = this.host.sizeOf(place.frame);
    this.tell({ type: "decode", id: this.lastId, key, x, y, label, width, height });
  }

  private want(name: string, { frame, object }: Place): void {
    const at = performance.now();
    if (this.network && !this.ready) return;
    if (this.asked?.name === name && at - this.asked.at < PATIENCE_MS) return;
    const id = this.host.send({ type: "want_features", frame, object });
    this.asked = { id, name, at };
  }

  private hear(message: FromWorker): void {
    if (message.type === "ready") {
      this.ready = true;
      this.next();
    } else if (message.type === "runs_on") {
      console.info(message.reason);
    } else if (message.type === "decoded") {
      const { running } = this;
      this.running = null;
      if (running?.id === message.id) this.host.answer(running, message.iou, message.runs);
      this.next();
    } else {
      console.warn(`sam2widget's decoder: ${message.text}`);
      this.running = null;
    }
  }

  private tell(message: ToWorker, moved: ArrayBuffer[] = []): void {
    this.worker?.postMessage(message, moved);
  }
}

function nameOf(frame: number, object: number | null): string {
  return `${frame}/${object}`;
}

function bytesOf(buffer: Buffer): Uint8Array {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
