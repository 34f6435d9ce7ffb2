/** The conversation with the kernel about results: exports, downloads, the session as Python. */

import type { Results } from "../state/results-state";
import type { Store } from "../state/store";
import { saveAs } from "../ui/browser";
import { timeLeft } from "../ui/durations";
import { type Buffer, toBytes } from "./codecs";
import type { DownloadEntry, ExportRequest, Message, Request } from "./protocol";

/** Parts of a download that are asked for at a time. */
const MAX_IN_FLIGHT = 3;
/** A part that has not come after so long is asked for again: the connection may have lost it. */
const PATIENCE_MS = 10_000;

interface Download extends DownloadEntry {
  parts: Map<number, Uint8Array<ArrayBuffer>>;
  received: number;
  /** The next byte to ask for, known once the first part has shown how long parts are. */
  next: number;
  waiting: Set<number>;
  timer: number;
}

export class ResultsClient {
  private exportId = 0;
  private readonly asked = new Set<number>();
  private readonly scripts = new Map<number, (text: string | Error) => void>();
  private readonly settled = new Map<number, (error: string) => void>();
  private download: Download | null = null;
  private part = 0;

  constructor(
    private readonly view: string,
    private readonly store: Store,
    private readonly send: (request: Request) => number,
  ) {}

  close(): void {
    if (this.download) window.clearInterval(this.download.timer);
  }

  /** Ask which formats there are; what was there before may have changed. */
  open(): void {
    this.asked.add(this.send({ type: "open_results" }));
  }

  export(request: Omit<ExportRequest, "type">): void {
    const sent: ExportRequest = { type: "export", ...request };
    const id = this.send(sent);
    this.exportId = id;
    const running = { id, request: sent, share: null, text: "Beginning" };
    this.change({ running, exists: null, said: null });
  }

  cancel(): void {
    if (this.download) {
      this.finish(this.download);
      this.end("Cancelled.", false);
    } else this.send({ type: "cancel_export" });
  }

  /** Leave the question whether something may be replaced. */
  dismiss(): void {
    this.change({ exists: null });
  }

  /** The session as Python. Rejects with a sentence. */
  script(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.scripts.set(this.send({ type: "write_script" }), (found) =>
        found instanceof Error ? reject(found) : resolve(found),
      );
    });
  }

  /** Send the picture for the effect "background"; resolves to why it could not be, or "". */
  setBackground(jpeg: string): Promise<string> {
    return new Promise((resolve) => {
      this.settled.set(this.send({ type: "set_background", jpeg }), resolve);
    });
  }

  startAnew(): void {
    this.asked.add(this.send({ type: "start_anew" }));
  }

  receive(message: Message, buffers: Buffer[]): void {
    if ("reply_to" in message && message.reply_to && message.reply_to.view !== this.view) return;
    switch (message.type) {
      case "formats":
        this.asked.delete(message.reply_to.id);
        this.change({ formats: message });
        break;
      case "export_progress": {
        const { running } = this.store.state.results;
        if (running?.id !== message.reply_to.id) return;
        const left = message.eta_s > 0 ? ` · ${timeLeft(message.eta_s)} left` : "";
        const text = `Frame ${message.frame + 1} of ${message.total}${left}`;
        const share = message.total > 0 ? (message.frame + 1) / message.total : null;
        this.change({ running: { ...running, share, text } });
        break;
      }
      case "export_exists": {
        const { running } = this.store.state.results;
        if (running?.id === message.reply_to.id)
          this.change({ running: null, exists: { ...message, request: running.request } });
        break;
      }
      case "exported": {
        if (message.reply_to.id !== this.exportId) return;
        const { text, path, download } = message;
        if (download) this.fetch(download);
        const { running } = this.store.state.results;
        this.change({
          said: { text, path, failed: false },
          running: download && running ? { ...running, share: 0, text: "Downloading" } : null,
        });
        break;
      }
      case "chunk":
        this.receiveChunk(message.download, message.offset, toBytes(buffers[0] as Buffer));
        break;
      case "script":
        this.scripts.get(message.reply_to.id)?.(message.text);
        this.scripts.delete(message.reply_to.id);
        break;
      case "saved": {
        const { state, path, ago_s } = message;
        const at = ago_s === null ? null : performance.now() - 1000 * ago_s;
        this.store.set("saved", { state, path, at });
        break;
      }
    }
  }

  /** A request is through; true when it was one of these, and who asked shows the error. */
  settle(id: number, error = ""): boolean {
    if (this.asked.delete(id)) {
      if (error) this.change({ said: { text: error, path: "", failed: true } });
      return true;
    }
    const settled = this.settled.get(id);
    const script = this.scripts.get(id);
    this.settled.delete(id);
    this.scripts.delete(id);
    settled?.(error);
    script?.(new Error(error));
    if (settled || script) return true;
    const { running } = this.store.state.results;
    if (running?.id !== id || !error) return false;
    this.end(error);
    return true;
  }

  /** The kernel is another one: what ran there runs no more. */
  reset(): void {
    if (this.download) this.finish(this.download);
    this.change({ formats: null, running: null, exists: null, said: null });
  }

  private fetch(entry: DownloadEntry): void {
    if (this.download) this.finish(this.download);
    const timer = window.setInterval(() => this.askAgain(), PATIENCE_MS);
    const more = { parts: new Map(), received: 0, next: 0, waiting: new Set<number>() };
    this.download = { ...entry, ...more, timer };
    this.part = 0;
    this.ask(0);
  }

  private ask(offset: number): void {
    const { download } = this;
    if (!download) return;
    download.waiting.add(offset);
    const id = this.send({ type: "want_chunk", download: download.id, offset });
    // An error about it ends the download.
    this.settled.set(id, (error) => {
      if (!error || this.download !== download) return;
      this.finish(download);
      this.end(error);
    });
    download.next = Math.max(download.next, offset + this.part);
  }

  private askAgain(): void {
    for (const offset of this.download?.waiting ?? []) this.ask(offset);
  }

  private receiveChunk(id: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    const { download } = this;
    if (download?.id !== id || !download.waiting.delete(offset)) return;
    if (offset === 0) {
      this.part = bytes.length;
      download.next = bytes.length;
    }
    download.parts.set(offset, bytes.slice());
    download.received += bytes.length;
    if (download.received >= download.size || bytes.length === 0) {
      this.complete(download);
      return;
    }
    while (download.waiting.size < MAX_IN_FLIGHT && download.next < download.size)
      this.ask(download.next);
    const { running } = this.store.state.results;
    const share = download.received / download.size;
    const text = `${megabytes(download.received)} of ${megabytes(download.size)} MB`;
    if (running) this.change({ running: { ...running, share, text } });
  }

  private complete(download: Download): void {
    this.finish(download);
    const whole = download.received === download.size;
    if (whole) {
      const parts = [...download.parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
      saveAs(new Blob(parts), download.name);
    }
    const text = whole
      ? `${download.name} (${megabytes(download.size)} MB) is in your browser's downloads.`
      : "The download ended too soon: try it once more.";
    this.end(text, !whole);
  }

  private finish(download: Download): void {
    window.clearInterval(download.timer);
    this.download = null;
    this.settled.clear();
    this.send({ type: "drop_download", download: download.id });
  }

  /** Nothing runs any more, and this is why. */
  private end(text: string, failed = true): void {
    this.change({ running: null, said: { text, path: "", failed } });
  }

  private change(results: Partial<Results>): void {
    this.store.set("results", { ...this.store.state.results, ...results });
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
