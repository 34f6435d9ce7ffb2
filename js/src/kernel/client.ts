/** The conversation with the kernel: requests out, messages into the store, flow control. */

import { questionOf } from "../state/question";
import { sizeOf } from "../state/stage-state";
import type { Pending, Store } from "../state/store";
import { Acknowledgements } from "./acknowledgements";
import { type Buffer, toBytes } from "./codecs";
import { FrameLoader } from "./frame-loader";
import { Hovering } from "./hovering";
import { type KernelWatch, Liveness } from "./liveness";
import { startDecoder } from "./local-decoder";
import { PixelReceiver } from "./pixel-receiver";
import {
  type BoxPx,
  type ChannelEntry,
  type Direction,
  type DoneMessage,
  type ErrorMessage,
  type Message,
  PROTOCOL,
  parse,
  type Request,
  type Run,
  type SentRequest,
} from "./protocol";
import { randomId } from "./random-id";
import { Regions } from "./regions";
import { ResultsClient } from "./results";

/** What carries messages: anywidget's model, or a test. */
export interface Host {
  send(message: SentRequest): void;
  onMessage(listener: (content: unknown, buffers: Buffer[]) => void): () => void;
  epoch(): number;
  /** What the host knows of the kernel, if it says. */
  readonly kernel?: KernelWatch | undefined;
}

/** Requests that are answered by what is seen. */
const SEEN: ReadonlySet<string> = new Set(["click", "box", "hover", "propose"]);

type Propagate = Extract<Request, { type: "propagate" }>;
type Prompt = Extract<Request, { type: "click" | "box" | "paint" }>;

export class Client {
  readonly view = randomId();
  readonly hovering: Hovering;
  readonly frames: FrameLoader;
  /** Parts of a large picture. */
  readonly regions: Regions;
  /** What of a large picture is seen, in its pixels, which is what a prompt is to be answered by;
   * null where a frame is seen whole. */
  seen: () => BoxPx | null = () => null;
  private readonly acks: Acknowledgements;
  private readonly pixels: PixelReceiver;
  private readonly liveness: Liveness;
  readonly results: ResultsClient;
  private nextId = 1;
  private epoch: number;
  private proposeId = 0;
  /** What was last asked to track; all there is, where others than this view have asked. */
  private propagated: Propagate = {
    ...{ type: "propagate", direction: "both" },
    ...{ start: null, stop: null, objects: null },
  };
  private askedLevels = "";
  private contrastId = 0;
  private hasDecoder = false;
  /** The last request about overlaps, and what to show if the kernel refuses it. */
  private overlapAsked = { id: 0, before: false };
  private readonly unlisten: () => void;

  constructor(
    private readonly host: Host,
    private readonly store: Store,
  ) {
    this.epoch = host.epoch();
    this.hovering = new Hovering(store, (request) => this.send(request));
    this.frames = new FrameLoader(store, (request) =>
      this.send({ ...request, drawn: this.acks.take() }),
    );
    this.regions = new Regions(store, (request) => this.send(request));
    this.acks = new Acknowledgements(
      () => this.frames.busy,
      (seqs) => this.send({ type: "ack", seqs }),
    );
    this.pixels = new PixelReceiver(this.view, store, this.frames, this.acks, () => this.epoch);
    this.liveness = new Liveness(
      store,
      () => this.send({ type: "ping" }),
      () => this.hello(),
      host.kernel,
    );
    this.results = new ResultsClient(this.view, store, (request) => this.send(request));
    this.unlisten = host.onMessage((content, buffers) => {
      try {
        this.receive(parse(content, buffers.length), buffers);
      } catch (error) {
        // Nothing above would show it, and the view goes on without this message.
        this.store.set("error", error instanceof Error ? error.message : String(error));
      }
    });
  }

  close(): void {
    this.acks.close();
    this.unlisten();
    this.frames.close();
    this.liveness.close();
    this.results.close();
    this.hovering.local?.close();
  }

  send(request: Request): number {
    const id = this.nextId;
    // Each frame that is wanted is answered by an id of its own.
    this.nextId += 1 + (request.type === "want" ? (request.then?.length ?? 0) : 0);
    const window = SEEN.has(request.type) ? this.seen() : null;
    const sent = window ? { ...request, window } : request;
    this.host.send({ ...sent, id, view: this.view, epoch: this.host.epoch() } as SentRequest);
    return id;
  }

  /** Carry out what a person asks for: an earlier error has been seen, a preview out of date.
   * What would change accepted masks waits for an answer: 0 then, else the request's id. */
  ask(request: Request): number {
    this.hovering.forget();
    if (this.asksFirst(request, null)) return 0;
    this.liveness.asked();
    this.store.set("error", null);
    if (request.type !== "stop") this.store.set("ended", null);
    return this.send(request);
  }

  /** Whether a request waits for an answer from now on; a question before it is withdrawn. */
  private asksFirst(request: Request, pending: Pending | null): boolean {
    const question = questionOf(this.store, request);
    this.store.set("question", question && { ...question, pending });
    return question !== null;
  }

  /** Answer the question that is open. */
  answer(yes: boolean): void {
    const { question } = this.store.state;
    this.store.set("question", null);
    if (!question || !yes) return;
    const request = { ...question.request, change_accepted: true };
    if (question.pending) this.prompt(request as Prompt);
    else this.ask(request);
  }

  /** Send a prompt and show it before the kernel has answered. The view stays at its frame.
   * Returns as `ask` does. */
  prompt(request: Prompt): number {
    const { frame, object } = request;
    if (this.asksFirst(request, { id: 0, frame, object, ...shapeOf(request) })) return 0;
    this.store.set("follow", false);
    if (frame !== this.store.state.frame || this.store.state.goal !== null) this.goTo(frame);
    this.store.set("candidates", null);
    const id = this.ask(request);
    if (request.type === "click") this.hovering.clicked(id, request);
    const pending: Pending = { id, frame, object, ...shapeOf(request) };
    this.store.set("pending", [...this.store.state.pending, pending]);
    return id;
  }

  /** Segment everything on a frame, or find on it, or through the video, what a text names. */
  propose(frame: number, text = "", video = false): void {
    this.store.set("proposing", frame);
    if (video) this.store.set("follow", true);
    this.proposeId = this.ask({ type: "propose", frame, text, video });
  }

  /** Start to track, in the marked range if there is one, and follow the newest frame. */
  propagate(direction: Direction, objects: number[] | null = null): void {
    const [start, stop]: Run | [null, null] = this.store.state.range ?? [null, null];
    this.store.set("follow", true);
    const request: Propagate = { type: "propagate", start, stop, direction, objects };
    this.propagated = request;
    this.ask(request);
  }

  /** Go on with the propagation that was stopped. */
  continuePropagation(): void {
    this.store.set("follow", true);
    this.ask(this.propagated);
  }

  /** Follow the propagation, or stay where the view is. */
  follow(on: boolean): void {
    this.store.set("follow", on);
    const { progress } = this.store.state;
    if (on && progress) this.frames.moveTo(progress.frame);
    else this.followLive();
  }

  /** Show the newest frame of a live video to who follows it. */
  followLive(): void {
    const { follow, progress, video } = this.store.state;
    if (follow && !progress && video.live?.recording) this.frames.moveTo(video.live.newest);
  }

  /** Be at a frame at once, as code wants it or another view is. */
  goTo(frame: number): void {
    this.frames.jumpTo(frame);
  }

  /** Go to a frame as a person does: the view is there when it is painted. */
  moveTo(frame: number): void {
    this.frames.moveTo(frame);
  }

  /** Ask how the current frame's values are spread, unless that is known or on its way. */
  wantLevels(): void {
    const { frame } = this.store.state;
    const key = `${this.epoch}:${this.frames.look}:${frame}`;
    if (key === this.askedLevels) return;
    this.askedLevels = key;
    this.send({ type: "want_levels", frame });
  }

  /** Show the video otherwise; null is automatic. */
  setContrast(channels: ChannelEntry[] | null): void {
    this.contrastId = this.ask({ type: "set_contrast", channels });
  }

  /** Let masks of different objects exclude each other or not, and show it before the answer. */
  setNonOverlapping(on: boolean): void {
    const before = this.store.state.non_overlapping;
    this.store.set("non_overlapping", on);
    this.overlapAsked = { id: this.ask({ type: "set_non_overlapping", on }), before };
  }

  /** Tell the kernel that what came since the last time is on the screen, or out of date. */
  drawn(): void {
    this.acks.release();
  }

  hello(): void {
    this.frames.forget();
    this.store.forgetOtherPrompts();
    this.send({ type: "hello" });
    this.frames.goOn();
  }

  setVisible(visible: boolean): void {
    this.send({ type: "visible", visible });
    this.liveness.setVisible(visible);
    this.frames.forget(); // out of sight, requests are dropped and changes are not told
    if (!visible) return;
    this.store.forgetOtherPrompts();
    this.frames.goOn();
  }

  /** Begin anew when the kernel has. */
  checkEpoch(): void {
    if (this.epoch === this.host.epoch()) return;
    this.epoch = this.host.epoch();
    this.acks.forget();
    this.hovering.forget();
    this.regions.forget();
    this.store.reset();
    this.results.reset();
    this.hello();
  }

  private receive(message: Message, buffers: Buffer[]): void {
    const { store, pixels } = this;
    store.answered = true;
    if (message.epoch !== this.host.epoch()) return;
    this.checkEpoch();
    this.liveness.heard(message);
    this.hovering.local?.receive(message, buffers);
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
        void pixels.receiveFrame(message, buffers[0] as Buffer);
        break;
      case "region":
        if (message.reply_to.view === this.view)
          void this.regions.receive(message, buffers[0] as Buffer);
        break;
      case "masks":
        pixels.receiveMasks(message, buffers);
        break;
      case "preview":
        if (message.reply_to.view === this.view)
          this.hovering.receive(message, pixels.decode(message.frame, buffers[0] as Buffer));
        break;
      case "decoder":
        void this.startDecoder(buffers[0] as Buffer);
        break;
      case "candidates":
        pixels.receiveCandidates(message, buffers);
        break;
      case "proposals":
        pixels.receiveProposals(message, buffers);
        break;
      case "prompts":
        store.putPrompts(message);
        break;
      case "timeline":
        this.frames.forgetMasks(); // some masks of the object are others
        store.timelines.set(message.object, message);
        store.touch("timeline");
        break;
      case "confidence":
        store.putConfidence(message.object, message.start, toBytes(buffers[0] as Buffer).slice());
        break;
      case "areas":
        if (message.reply_to.view !== this.view) break;
        store.areas.set(
          message.object,
          new Uint32Array(toBytes(buffers[0] as Buffer).slice().buffer),
        );
        store.touch("axis");
        break;
      case "contrast":
        this.regions.forget();
        this.frames.changeLook();
        break;
      case "levels":
        // Answered before the last change arrived there: the view is ahead.
        if (message.reply_to.view === this.view && message.reply_to.id > this.contrastId)
          store.set("levels", { ...message, bins: buffers.map((one) => toBytes(one).slice()) });
        break;
      case "thumbnail":
        void pixels.receiveThumbnail(message, buffers[0] as Buffer);
        break;
      case "progress":
        store.set("tracked", message.done);
        store.set("progress", message.running ? message : null);
        if (message.running) store.set("ended", null);
        else if (message.total > 0) store.set("ended", message);
        if (message.running && store.state.follow) this.frames.moveTo(message.frame);
        break;
      case "models":
        store.set("models", message.models);
        store.set("memories", message.memories);
        break;
      case "error":
        this.receiveError(message);
        break;
      case "done":
        this.settle(message);
        break;
      default:
        this.results.receive(message, buffers);
    }
  }

  private async startDecoder(code: Buffer): Promise<void> {
    const { hovering, store, view } = this;
    if (this.hasDecoder) return;
    this.hasDecoder = true;
    // Where a page does not let it run, the kernel answers as ever.
    hovering.local = await startDecoder(code, {
      view,
      send: (request) => this.send(request),
      sizeOf: (frame) => sizeOf(store.state.video, frame),
      answer: (place, iou, runs) => hovering.answer(place, iou, runs),
    }).catch(() => null);
  }

  private receiveError(message: ErrorMessage): void {
    const { reply_to } = message;
    if (reply_to && reply_to.view !== this.view) return;
    // Nobody asked for what only the pointer did: no preview is no alarm.
    if (reply_to && this.hovering.settle(reply_to.id)) return;
    if (reply_to && this.results.settle(reply_to.id, message.text)) return;
    if (reply_to) this.regions.settle(reply_to.id);
    this.store.set("error", message.text);
    const { id, before } = this.overlapAsked;
    if (reply_to?.id === id) this.store.set("non_overlapping", before);
    this.settle(message);
    if (!reply_to) this.frames.forgetRequests();
    // What was shown before the answer may not be so: look again.
    else if (!this.frames.fail(reply_to.id)) this.frames.refresh();
  }

  /** A request is through: its prompt need not be drawn ahead of the kernel any more. */
  private settle({ reply_to }: DoneMessage | ErrorMessage): void {
    if (reply_to && reply_to.view !== this.view) return;
    if (reply_to && this.hovering.settle(reply_to.id)) return;
    if (reply_to && this.results.settle(reply_to.id)) return;
    if (!reply_to || reply_to.id === this.proposeId) this.store.set("proposing", null);
    const { pending } = this.store.state;
    this.store.set(
      "pending",
      pending.filter(({ id }) => reply_to !== null && id !== reply_to.id),
    );
  }
}

/** What of a prompt is drawn ahead of its answer. */
function shapeOf(request: Prompt): Pick<Pending, "point" | "box" | "stroke"> {
  switch (request.type) {
    case "click":
      return { point: [request.x, request.y, request.label] };
    case "box":
      return { box: [request.x0, request.y0, request.x1, request.y1] };
    case "paint": {
      const { shape, erase, radius, path } = request;
      return { stroke: { shape, erase, radius, path } };
    }
  }
}
