/** A small kernel in the page: masks are where the scene's things are. For looking only. */

import { type Buffer, runsToPixels } from "../src/kernel/codecs";
import type { MaskEntry, PromptsMessage, Run, SentRequest, State } from "../src/kernel/protocol";
import type { Status } from "../src/kernel/traits";
import type { Traits } from "../src/state/store";
import type { ViewHost } from "../src/view";
import {
  type Ball,
  balls,
  type Encoded,
  encode,
  FRAMES,
  HEIGHT,
  jpeg,
  paint,
  pixelsOf,
  proposals,
  runs,
  WIDTH,
} from "./scene";

/** How long the model that is not there takes. */
const CLICK_MS = 40;
const PROPOSE_MS = 700;
const CANDIDATES = ["part", "whole", "all"] as const;
const COLORS = ["#3e7bfa", "#f2994a", "#27ae60", "#bb6bd9", "#eb5757"];

interface Tracked {
  ball: number;
  prompts: Map<number, PromptsMessage>;
  tracked: Set<number>;
  stale: Set<number>;
  accepted: Set<number>;
  rejected: Set<number>;
  /** Masks that are not the ball's: painted, or another candidate. A byte a pixel. */
  edited: Map<number, Uint8Array>;
}

export class PageKernel implements ViewHost {
  private current: Traits = {
    video: {
      width: WIDTH,
      height: HEIGHT,
      num_frames: FRAMES,
      fps: 24,
      name: "scene",
      kind: "video",
      sizes: null,
      live: null,
    },
    objects: [],
    selected: 0,
    frame: 0,
    status: { state: "ready", message: "", model: "nano", device: "cpu", click_ms: CLICK_MS },
    history: { undo: "", redo: "" },
    auto_propagate: "corrections",
    clean_masks: 0.01,
    non_overlapping: true,
    class_list: [],
    current_class: "",
    color_by: "object",
  };
  private readonly tracks = new Map<number, Tracked>();
  private readonly messageListeners = new Set<(content: unknown, buffers: Buffer[]) => void>();
  private readonly traitListeners = new Set<() => void>();
  private readonly found = new Map<number, { id: number; mask: Encoded }[]>();
  private timer = 0;
  private seq = 0;

  epoch = () => 1;
  traits = () => this.current;

  onMessage(listener: (content: unknown, buffers: Buffer[]) => void): () => void {
    this.messageListeners.add(listener);
    return () => this.messageListeners.delete(listener);
  }

  onTraits(listener: () => void): () => void {
    this.traitListeners.add(listener);
    return () => this.traitListeners.delete(listener);
  }

  setTrait(name: keyof Traits, value: string | number): void {
    if (this.current[name] !== value) this.change({ [name]: value });
  }

  /** All that changes the frame here are views. */
  frameOfViews = () => this.current.frame;

  send(request: SentRequest): void {
    void this.answer(request);
  }

  show(state: Status["state"], message = ""): void {
    this.change({ status: { ...this.current.status, state, message } });
  }

  fail(text: string): void {
    this.tell({ type: "error", reply_to: null, text });
  }

  private async answer(request: SentRequest): Promise<void> {
    const { objects, frame } = this.current;
    switch (request.type) {
      case "hello":
        this.tell({ type: "welcome", reply_to: request, protocol: 2 });
        break;
      case "want":
        this.tellFrame(request.frame);
        this.tell(
          {
            ...{ type: "frame", reply_to: request, frame: request.frame, seq: ++this.seq },
            ...{ towards: null, reduced: false },
          },
          [await jpeg(request.frame)],
        );
        return;
      case "click":
      case "box": {
        if (this.current.status.state === "loading") return;
        const x = request.type === "click" ? request.x : (request.x0 + request.x1) / 2;
        const y = request.type === "click" ? request.y : (request.y0 + request.y1) / 2;
        const object = request.object ?? this.add();
        const track = this.tracks.get(object) as Tracked;
        const prompts = this.promptsOf(object, request.frame);
        if (request.type === "click") prompts.points.push([x, y, request.label]);
        else prompts.box = [request.x0, request.y0, request.x1, request.y1];
        if (track.prompts.size === 0) track.ball = nearest(balls(request.frame), x, y);
        track.prompts.set(request.frame, prompts);
        for (const at of track.tracked) if (Math.abs(at - request.frame) < 12) track.stale.add(at);
        track.tracked.add(request.frame);
        track.stale.delete(request.frame);
        track.edited.delete(request.frame);
        await pause(CLICK_MS);
        this.tellFrame(request.frame);
        if (request.type === "click" && prompts.points.length === 1)
          this.tellCandidates(object, request.frame, 1);
        break;
      }
      case "hover": {
        await pause(CLICK_MS);
        const at = balls(request.frame).findLastIndex(
          (ball) => Math.hypot((ball.x - request.x) / ball.rx, (ball.y - request.y) / ball.ry) < 1,
        );
        const { bytes } = at < 0 ? encode(new Uint8Array(WIDTH * HEIGHT)) : runs(request.frame, at);
        const { frame: shown } = request;
        this.tell({ type: "preview", reply_to: request, frame: shown, iou: 0.9 }, [bytes]);
        return;
      }
      case "choose": {
        const part = CANDIDATES[request.index] ?? "whole";
        const track = this.tracks.get(request.object) as Tracked;
        track.edited.set(request.frame, pixelsOf(request.frame, track.ball, part));
        this.tellFrame(request.frame);
        this.tellCandidates(request.object, request.frame, request.index);
        break;
      }
      case "paint": {
        const object = request.object ?? this.add();
        const track = this.tracks.get(object) as Tracked;
        const known = track.tracked.has(request.frame);
        const pixels =
          track.edited.get(request.frame) ??
          (known ? pixelsOf(request.frame, track.ball) : new Uint8Array(WIDTH * HEIGHT));
        paint(pixels, request);
        track.edited.set(request.frame, pixels);
        track.tracked.add(request.frame);
        track.prompts.set(request.frame, { ...this.promptsOf(object, request.frame), mask: true });
        await pause(CLICK_MS);
        this.tellFrame(request.frame);
        break;
      }
      case "move_point": {
        const { points } = this.promptsOf(request.object, request.frame);
        const point = points[request.index];
        if (point) points[request.index] = [request.x, request.y, point[2]];
        this.tellFrame(request.frame);
        break;
      }
      case "propose":
        await pause(PROPOSE_MS);
        this.found.set(
          request.frame,
          proposals(request.frame).map((mask, id) => ({ id, mask })),
        );
        this.tellProposals(request.frame);
        break;
      case "adopt":
      case "dismiss": {
        const all = this.found.get(request.frame) ?? [];
        const taken = all.filter(({ id }) => request.proposals.includes(id));
        if (request.type === "adopt")
          for (const { mask } of taken) {
            const track = this.tracks.get(this.add()) as Tracked;
            track.edited.set(request.frame, decode(mask));
            track.tracked.add(request.frame);
          }
        this.found.set(
          request.frame,
          all.filter((one) => !taken.includes(one)),
        );
        this.tellFrame(request.frame);
        this.tellProposals(request.frame);
        break;
      }
      case "remove_point":
        this.promptsOf(request.object, request.frame).points.splice(request.index, 1);
        this.tellFrame(request.frame);
        break;
      case "remove_box":
        this.promptsOf(request.object, request.frame).box = null;
        this.tellFrame(request.frame);
        break;
      case "add_object":
        this.add();
        break;
      case "remove_object":
        this.tracks.delete(request.object);
        this.change({ objects: objects.filter(({ id }) => id !== request.object) });
        break;
      case "update_object":
        this.change({
          objects: objects.map((o) =>
            o.id === request.object ? { ...o, ...request, id: o.id } : o,
          ),
        });
        break;
      case "set_class":
        this.change({
          objects: objects.map((o) =>
            request.objects.includes(o.id) ? { ...o, class_name: request.class_name } : o,
          ),
        });
        break;
      case "add_class":
        this.change({
          class_list: [...this.current.class_list, { name: request.class_name, color: "#cc79a7" }],
        });
        break;
      case "propagate":
        this.propagate();
        break;
      case "thumbnails":
        for (const at of request.frames)
          this.tell({ type: "thumbnail", frame: at }, [await jpeg(at)]);
        return;
      case "want_masks":
        this.tellFrame(request.frame);
        return;
      case "want_areas": {
        const areas = Uint32Array.from({ length: FRAMES }, (_, at) => {
          const track = this.tracks.get(request.object);
          return track?.tracked.has(at) ? runs(at, track.ball).area : 0;
        });
        this.tell({ type: "areas", reply_to: request, object: request.object }, [areas.buffer]);
        return;
      }
      case "accept":
      case "reject":
      case "unreview":
      case "reset":
        for (const [object, track] of this.tracks)
          if (request.object === null || request.object === object)
            for (let at = request.start; at < request.stop; at++) judge(track, at, request.type);
        this.tellFrame(request.start);
        break;
      case "next_unreviewed":
        this.change({ frame: Math.floor(Math.random() * FRAMES) });
        break;
      case "stop":
        this.stop();
        break;
      default:
        break;
    }
    this.tellTimelines();
    if (request.type !== "ack") this.tell({ type: "done", reply_to: request });
    if (frame !== this.current.frame) this.tellFrame(this.current.frame);
  }

  /** As many objects, each tracked, some of it reviewed or out of date. */
  populate(count: number): void {
    for (let n = 0; n < count; n++) {
      const track = this.tracks.get(this.add()) as Tracked;
      track.ball = n % 3;
      const none = { type: "prompts", object: n + 1, points: [], box: null, mask: true } as const;
      track.prompts.set(n % 7, { ...none, frame: n % 7, points: [] });
      for (let at = 0; at < FRAMES - (n % 5); at++) track.tracked.add(at);
      for (let at = 6 + n; at < 12 + n; at++) track.accepted.add(at % FRAMES);
      for (let at = 24; at < 28 + (n % 4); at++) track.stale.add(at);
      for (let at = 38; at < 40; at++) track.rejected.add(at);
    }
    this.tellFrame(this.current.frame);
    this.tellTimelines();
  }

  propagate(from = 0, speed_ms = 120): void {
    let at = from;
    const begun = performance.now();
    this.show("propagating");
    this.timer = window.setInterval(() => {
      for (const track of this.tracks.values()) {
        track.tracked.add(at);
        track.stale.delete(at);
      }
      this.tellFrame(at);
      const done = at + 1;
      const fps = (done - from) / ((performance.now() - begun) / 1000);
      const progress = {
        frame: at,
        done,
        total: FRAMES,
        fps,
        eta_s: (FRAMES - done) / fps,
        elapsed_s: done / fps,
      };
      this.tell({ type: "progress", running: true, direction: "forward", ...progress });
      this.tellTimelines();
      if (++at === FRAMES) this.stop();
    }, speed_ms);
  }

  private stop(): void {
    window.clearInterval(this.timer);
    const none = {
      frame: 0,
      done: 0,
      total: 0,
      fps: 0,
      eta_s: 0,
      elapsed_s: 0,
      direction: "forward",
    };
    this.tell({ type: "progress", running: false, ...none });
    this.show("ready");
  }

  private add(): number {
    const { objects } = this.current;
    const id = Math.max(0, ...objects.map((object) => object.id)) + 1;
    const color = COLORS[(id - 1) % COLORS.length] as string;
    this.tracks.set(id, {
      ball: 0,
      prompts: new Map(),
      tracked: new Set(),
      stale: new Set(),
      accepted: new Set(),
      rejected: new Set(),
      edited: new Map(),
    });
    const object = { id, name: `Object ${id}`, color, visible: true, locked: false };
    this.change({
      objects: [...objects, { ...object, class_name: "", attributes: {} }],
      selected: id,
    });
    return id;
  }

  private promptsOf(object: number, frame: number): PromptsMessage {
    const none = { type: "prompts", frame, object, points: [], box: null, mask: false } as const;
    return this.tracks.get(object)?.prompts.get(frame) ?? { ...none, points: [] };
  }

  private tellFrame(frame: number): void {
    const entries: MaskEntry[] = [];
    const buffers: ArrayBuffer[] = [];
    for (const [object, track] of this.tracks) {
      this.tell({ ...this.promptsOf(object, frame) });
      if (!track.tracked.has(frame)) continue;
      const edited = track.edited.get(frame);
      const { bytes, area } = edited ? encode(edited) : runs(frame, track.ball);
      const state = stateOf(track, frame);
      const iou = 0.97 - 0.02 * object;
      entries.push({ object, score: area ? 8.2 : -3, iou, source: "track", state, area });
      buffers.push(bytes);
    }
    const masks = { frame, complete: true, masks: entries, reply_to: null };
    this.tell({ type: "masks", seq: ++this.seq, ...masks }, buffers);
  }

  private tellCandidates(object: number, frame: number, chosen: number): void {
    const { ball } = this.tracks.get(object) as Tracked;
    const buffers = CANDIDATES.map((part) => runs(frame, ball, part).bytes);
    const ious = [0.81, 0.94, 0.72];
    this.tell({ type: "candidates", frame, object, chosen, ious }, buffers);
  }

  private tellProposals(frame: number): void {
    const found = this.found.get(frame) ?? [];
    const entries = found.map(({ id, mask }) => ({
      id,
      iou: 0.9,
      stability: 0.95,
      area: mask.area,
    }));
    const buffers = found.map(({ mask }) => mask.bytes);
    this.tell({ type: "proposals", frame, proposals: entries }, buffers);
  }

  private tellTimelines(): void {
    for (const [object, track] of this.tracks) {
      this.tell({ type: "confidence", object, start: 0 }, [confidences(track)]);
      this.tell({
        type: "timeline",
        object,
        prompted: [...track.prompts.keys()],
        accepted: toRuns(track.accepted),
        rejected: toRuns(track.rejected),
        tracked: toRuns(unreviewed(track)),
        stale: toRuns(track.stale),
      });
    }
  }

  private tell(content: object, buffers: Buffer[] = []): void {
    const sent = structuredClone({ ...content, epoch: 1 });
    for (const listener of this.messageListeners) listener(sent, buffers);
  }

  private change(traits: Partial<Traits>): void {
    this.current = { ...this.current, ...traits };
    for (const listener of this.traitListeners) listener();
  }
}

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

function decode({ bytes }: Encoded): Uint8Array {
  return runsToPixels(new Uint32Array(bytes), WIDTH * HEIGHT);
}

function nearest(all: Ball[], x: number, y: number): number {
  const distances = all.map((ball) => Math.hypot(ball.x - x, ball.y - y));
  return distances.indexOf(Math.min(...distances));
}

function toRuns(frames: Set<number>): Run[] {
  const found: Run[] = [];
  for (const frame of [...frames].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[1] === frame) last[1] = frame + 1;
    else found.push([frame, frame + 1]);
  }
  return found;
}

function judge(track: Tracked, frame: number, verdict: string): void {
  if (!track.tracked.has(frame)) return;
  for (const set of [track.accepted, track.rejected]) set.delete(frame);
  if (verdict === "accept") track.accepted.add(frame);
  if (verdict === "reject") track.rejected.add(frame);
  if (verdict === "reset")
    for (const set of [track.tracked, track.stale, track.prompts]) set.delete(frame);
}

function stateOf(track: Tracked, frame: number): State {
  if (track.accepted.has(frame)) return "accepted";
  if (track.rejected.has(frame)) return "rejected";
  return track.stale.has(frame) ? "stale" : "fresh";
}

function unreviewed({ tracked, accepted, rejected, prompts }: Tracked): Set<number> {
  const reviewed = (at: number) => accepted.has(at) || rejected.has(at) || prompts.has(at);
  return new Set([...tracked].filter((at) => !reviewed(at)));
}

function confidences(track: Tracked): Uint8Array {
  return Uint8Array.from({ length: FRAMES }, (_, at) => {
    if (!track.tracked.has(at)) return 0;
    if (at % 40 > 34) return 1;
    return 130 + Math.round(120 * Math.sin(at / 7) ** 2);
  });
}
