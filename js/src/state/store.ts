/** What a view knows: one observable state, and bounded caches of pixels and masks. */

import type {
  BoxPx,
  MaskEntry,
  MemoryEntry,
  ModelEntry,
  Point,
  ProgressMessage,
  PromptsMessage,
  Run,
  TimelineMessage,
} from "../kernel/protocol";
import type {
  AutoPropagate,
  ColorBy,
  HistoryInfo,
  ObjectClass,
  ObjectInfo,
  Status,
  Video,
} from "../kernel/traits";
import { ByteLru } from "./lru";
import type { Ended } from "./next-step/next-step";
import { findPlaces } from "./next-step/places";
import type { Question } from "./question";
import { type Proposal, type StageState, type Stroke, stageState } from "./stage-state";

export type { Tool } from "./stage-state";

export interface MaskRecord extends MaskEntry {
  runs: Uint32Array;
}

/** A prompt that was sent and not answered yet: drawn at once. */
export interface Pending {
  /** Of the request. */
  id: number;
  frame: number;
  object: number | null;
  point?: Point;
  box?: BoxPx;
  stroke?: Stroke;
}

/** The kernel, or the way to it, is gone. */
export interface Loss {
  why: "restarted" | "dead" | "unreachable" | "silent";
  /** Whether the work is in a file; null where none is written. */
  saved: boolean | null;
}

export interface State extends StageState {
  video: Video;
  /** In the colours that they are shown in. */
  objects: ObjectInfo[];
  class_list: ObjectClass[];
  /** The class that new objects get, "" for none. */
  current_class: string;
  color_by: ColorBy;
  selected: number;
  /** The frame that the view is at; while it moves, the one that is painted. */
  frame: number;
  /** Where it moves to; null where it is there. */
  goal: number | null;
  /** Why nothing comes from the kernel any more; null while it is there. */
  lost: Loss | null;
  /** Whether the kernel speaks regularly: its silence means something. */
  speaks: boolean;
  /** Whether something was asked for that may not be in what the kernel says of saving. */
  unconfirmed: boolean;
  status: Status;
  history: HistoryInfo;
  auto_propagate: AutoPropagate;
  /** Specks and pinholes below this size are dropped: from 1 in pixels, below as a share. */
  clean_masks: number;
  /** Whether masks of different objects on a frame exclude each other. */
  non_overlapping: boolean;
  /** The one object that is shown alone. */
  solo: number | null;
  playing: boolean;
  speed: number;
  loop: boolean;
  /** From in to out, where a person marked them. */
  range: Run | null;
  /** Show the newest tracked frame while propagating, and the newest of a live video. */
  follow: boolean;
  progress: ProgressMessage | null;
  /** Frames that the propagation at hand, or the last one, has tracked. */
  tracked: number;
  /** What the last propagation has come to, until the next request. */
  ended: Ended | null;
  /** Those to choose from, once the kernel was asked. */
  models: ModelEntry[];
  memories: MemoryEntry[];
  error: string | null;
  pending: Pending[];
  /** What waits for an answer, since it would change what is accepted. */
  question: Question | null;
}

/** Traits of the kernel's widget, read and written by the view. */
export type Traits = Pick<
  State,
  | ("video" | "objects" | "selected" | "frame" | "status" | "history")
  | ("auto_propagate" | "clean_masks" | "non_overlapping")
  | ("class_list" | "current_class" | "color_by")
>;

/** What a view knows before anything has happened in it. */
export function newState(traits: Traits): State {
  return {
    ...stageState(),
    ...traits,
    goal: null,
    lost: null,
    speaks: false,
    unconfirmed: false,
    solo: null,
    playing: false,
    speed: 1,
    loop: false,
    range: null,
    follow: true,
    progress: null,
    tracked: 0,
    ended: null,
    models: [],
    memories: [],
    error: null,
    pending: [],
    question: null,
  };
}

export type Topic =
  | keyof State
  | "frames"
  | "masks"
  | "prompts"
  | "timeline"
  | "confidence"
  | "thumbnails"
  | "contrast"
  | "axis";

/** What comes with each picture while the view moves. */
const OF_FRAMES: ReadonlySet<Topic> = new Set<Topic>([
  ...(["frame", "goal", "frames", "masks", "prompts", "thumbnails"] as const),
]);

/** Whether nothing has changed but what is shown of which frame. */
export function ofFramesOnly(topics: Set<Topic>): boolean {
  return [...topics].every((topic) => OF_FRAMES.has(topic));
}

const FRAME_CACHE_BYTES = 256 * 2 ** 20;
const THUMBNAIL_CACHE_BYTES = 16 * 2 ** 20;
const MASK_CACHE_BYTES = 64 * 2 ** 20;
/** A mask with its outline takes about this many times the bytes of its runs, and a bit more. */
const MASK_OVERHEAD = 4;
const MASK_BASE_BYTES = 200;

/** What the places worth a look come from. */
const PLACES_FROM: ReadonlySet<Topic> = new Set<Topic>(["timeline", "confidence", "objects"]);

export class Store {
  readonly frames = new ByteLru<number, ImageBitmap>(FRAME_CACHE_BYTES, (bitmap) => bitmap.close());
  readonly masks = new ByteLru<number, Map<number, MaskRecord>>(MASK_CACHE_BYTES);
  readonly prompts = new Map<string, PromptsMessage>();
  readonly thumbnails = new ByteLru<number, ImageBitmap>(THUMBNAIL_CACHE_BYTES, (b) => b.close());
  /** By object, a byte a frame as in `ConfidenceMessage`. What is here is not written to again:
   * what is worked out from it may be kept by it. */
  readonly confidences = new Map<number, Uint8Array>();
  /** By object, of its mask on each frame in pixels; as far as somebody looks at them. */
  readonly areas = new Map<number, Uint32Array>();
  readonly timelines = new Map<number, TimelineMessage>();
  /** Frames whose pixels are shown until those come that look as they should now. */
  readonly outdated = new Set<number>();
  /** Frames that are here smaller or coarser than they could be. */
  readonly reduced = new Set<number>();
  /** A frame to show until that is here which takes a while to reach. */
  onTheWay: { frame: number; towards: number } | null = null;
  /** Whether the kernel has ever said something. */
  answered = false;
  /** Frames whose newest masks have not been on the screen yet. */
  readonly unpainted = new Set<number>();
  private knownPlaces: Map<number, number[]> | null = null;
  private readonly listeners = new Set<(topics: Set<Topic>) => void>();
  private changed: Set<Topic> | null = null;

  constructor(readonly state: State) {}

  /** Call `listener` with the topics that changed, once for all changes of one task. */
  subscribe(listener: (topics: Set<Topic>) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set<K extends keyof State>(key: K, value: State[K]): void {
    if (this.state[key] === value) return;
    this.state[key] = value;
    this.touch(key);
  }

  touch(topic: Topic): void {
    if (PLACES_FROM.has(topic)) this.knownPlaces = null;
    if (this.changed) {
      this.changed.add(topic);
      return;
    }
    this.changed = new Set([topic]);
    queueMicrotask(() => {
      const topics = this.changed ?? new Set<Topic>();
      this.changed = null;
      for (const listener of this.listeners) listener(topics);
    });
  }

  /** Masks of one frame; with `complete`, objects that are not listed have none. Without `told`,
   * nobody is to look at them yet. */
  putMasks(frame: number, records: MaskRecord[], complete: boolean, told = true): void {
    const known = complete ? undefined : this.masks.get(frame);
    const masks = new Map(known);
    for (const record of records) masks.set(record.object, record);
    let bytes = MASK_BASE_BYTES;
    for (const { runs } of masks.values())
      bytes += MASK_OVERHEAD * runs.byteLength + MASK_BASE_BYTES;
    this.masks.set(frame, masks, bytes);
    if (records.length > 0) this.unpainted.add(frame);
    if (told) this.touch("masks");
  }

  putConfidence(object: number, start: number, bytes: Uint8Array): void {
    const known = this.confidences.get(object);
    const { num_frames, live } = this.state.video;
    let length = known?.length ?? num_frames;
    if (live) length = Math.max(length, num_frames, start + bytes.length);
    const told = new Uint8Array(length);
    if (known) told.set(known);
    told.set(bytes.subarray(0, Math.max(0, length - start)), Math.min(start, length));
    this.confidences.set(object, told);
    this.touch("confidence");
  }

  putPrompts(message: PromptsMessage): void {
    const key = `${message.object}:${message.frame}`;
    if (message.points.length || message.box || message.mask) this.prompts.set(key, message);
    else this.prompts.delete(key);
    this.touch("prompts");
  }

  /** Show that a point is gone before the kernel says so. */
  dropPoint(object: number, frame: number, index: number): void {
    const prompts = this.promptsOf(object, frame);
    if (prompts)
      this.putPrompts({ ...prompts, points: prompts.points.filter((_, i) => i !== index) });
  }

  /** All proposals of a frame; those that were marked and are gone are marked no more. */
  putProposals(frame: number, proposals: Proposal[]): void {
    const { state } = this;
    this.set("proposals", new Map(state.proposals).set(frame, proposals));
    if (state.proposing === frame) this.set("proposing", null);
    const left = proposals.filter(({ id }) => state.marked.has(id));
    if (left.length < state.marked.size) this.set("marked", new Set(left.map(({ id }) => id)));
  }

  /** Prompts that the kernel has not answered, or that wait for a person's answer. */
  get unanswered(): Pending[] {
    const { pending, question } = this.state;
    return question?.pending ? [...pending, question.pending] : pending;
  }

  /** The view was not told of changes: what it does not show now, it will be told when it asks. */
  forgetOtherPrompts(): void {
    for (const [key, { frame }] of this.prompts)
      if (frame !== this.state.frame) this.prompts.delete(key);
  }

  promptsOf(object: number, frame: number): PromptsMessage | undefined {
    return this.prompts.get(`${object}:${frame}`);
  }

  /** Whether an object has no prompt and no mask on any frame: at most it is said to be absent. */
  isEmpty(object: number): boolean {
    const { prompted, accepted, tracked, stale } = this.timelines.get(object) ?? {};
    return ![prompted, accepted, tracked, stale].some((frames) => frames?.length);
  }

  /** Frames look otherwise now. The one on the stage stays until its new pixels come. */
  forgetLook(): void {
    for (const frame of this.frames.keys()) {
      if (frame === this.state.frame) this.outdated.add(frame);
      else this.frames.delete(frame);
    }
    this.thumbnails.clear();
    this.touch("contrast");
  }

  /** Forget all that belongs to an earlier session of the kernel. */
  reset(): void {
    this.frames.clear();
    this.masks.clear();
    this.prompts.clear();
    this.timelines.clear();
    this.confidences.clear();
    this.areas.clear();
    this.thumbnails.clear();
    this.unpainted.clear();
    this.outdated.clear();
    this.reduced.clear();
    this.onTheWay = null;
    this.set("goal", null);
    this.set("pending", []);
    this.set("question", null);
    this.set("hoveredObject", null);
    this.set("progress", null);
    this.set("ended", null);
    this.set("preview", null);
    this.set("levels", null);
    this.set("candidates", null);
    this.set("proposals", new Map());
    this.set("marked", new Set());
    this.set("proposing", null);
    for (const topic of [
      ...(["frames", "masks", "prompts", "timeline"] as const),
      ...(["confidence", "thumbnails"] as const),
    ])
      this.touch(topic);
  }

  /** What is worth a look, as `findPlaces` gives it. */
  get places(): Map<number, number[]> {
    this.knownPlaces ??= findPlaces(this);
    return this.knownPlaces;
  }

  /** Whether all of the work is in a file; null where none is written, or nothing is known yet. */
  get isSaved(): boolean | null {
    const { saved, unconfirmed } = this.state;
    if (!saved || saved.state === "off") return null;
    return saved.state === "saved" && !unconfirmed;
  }

  /** Objects that are to be seen, in a list of its own. */
  get shownObjects(): ObjectInfo[] {
    const { objects, solo, hiddenClasses } = this.state;
    return objects.filter(
      ({ id, visible, class_name }) =>
        visible && (solo === null || id === solo) && !hiddenClasses.has(class_name),
    );
  }

  /** The frame that the view is at, or moves to: where a step begins. */
  get destination(): number {
    return this.state.goal ?? this.state.frame;
  }

  /** Whether the view plays, or is on its way to a frame. */
  get moving(): boolean {
    return this.state.goal !== null || this.state.playing;
  }

  get selectedObject(): ObjectInfo | undefined {
    return this.state.objects.find((object) => object.id === this.state.selected);
  }
}
