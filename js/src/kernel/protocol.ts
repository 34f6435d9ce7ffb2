/**
 * The messages between kernel and browser. Twin of sam2widget/bridge/protocol.py: keep both in step.
 *
 * What happened goes in messages; what is current goes in traits. All coordinates are (x, y) in
 * pixels of the original frame; runs of frames are half-open. Pixels and masks travel in binary
 * buffers beside a message.
 */

export const PROTOCOL = 2;

export type Direction = "both" | "forward" | "backward";
export type Source = "prompt" | "track" | "edit" | "import" | "proposal";
export type State = "fresh" | "stale" | "accepted" | "rejected";
export type Shape = "brush" | "polygon";
/** x, y, label: 1 is on the object, 0 is not. */
export type Point = [number, number, 0 | 1];
/** x0, y0, x1, y1. */
export type BoxPx = [number, number, number, number];
/** First frame, and the one after the last. */
export type Run = [number, number];

/** How one channel's values are shown. */
export interface Channel {
  /** What is shown black, in the source's own values. */
  low: number;
  /** What is shown in full colour. */
  high: number;
  gamma: number;
  /** "#rrggbb" */
  color: string;
  visible: boolean;
}

/** A message that is none of these; the text says what is wrong with it. */
export class ProtocolError extends Error {}

// Browser to kernel

/** A request without what every request has; the client adds `id`, `view` and `epoch`. */
export type Request =
  | { type: "hello" }
  | { type: "want"; frame: number; pixels: boolean }
  | { type: "thumbnails"; frames: number[] }
  | { type: "want_levels"; frame: number }
  /** Channels null is automatic. */
  | { type: "set_contrast"; channels: Channel[] | null }
  | { type: "hover"; frame: number; object: number | null; x: number; y: number }
  | { type: "click"; frame: number; object: number | null; x: number; y: number; label: 0 | 1 }
  | {
      type: "box";
      frame: number;
      object: number | null;
      x0: number;
      y0: number;
      x1: number;
      y1: number;
    }
  /** `path`: x0, y0, x1, y1…; `radius` is a brush's. */
  | {
      type: "paint";
      frame: number;
      object: number | null;
      shape: Shape;
      erase: boolean;
      radius: number;
      path: number[];
    }
  | { type: "choose"; frame: number; object: number; index: number }
  | { type: "move_point"; frame: number; object: number; index: number; x: number; y: number }
  | { type: "remove_point"; frame: number; object: number; index: number }
  | { type: "remove_box"; frame: number; object: number }
  | { type: "clear_prompts"; frame: number; object: number }
  | { type: "add_object" }
  | { type: "remove_object"; object: number }
  | ({ type: "update_object"; object: number } & Partial<Omit<ObjectInfo, "id">>)
  /** Objects null are all that are not locked. */
  | {
      type: "propagate";
      start: number | null;
      stop: number | null;
      direction: Direction;
      objects: number[] | null;
    }
  /** Of frames start to stop (not included); object null is every one. */
  | {
      type: "accept" | "reject" | "unreview" | "reset";
      object: number | null;
      start: number;
      stop: number;
    }
  | { type: "next_to_check" }
  | { type: "propose"; frame: number }
  | { type: "adopt"; frame: number; proposals: number[]; merge: boolean; object: number | null }
  | { type: "dismiss"; frame: number; proposals: number[] }
  /** Whether masks of different objects on a frame exclude each other. */
  | { type: "set_non_overlapping"; on: boolean }
  | { type: "stop" }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "ack"; seq: number }
  | { type: "visible"; visible: boolean };

/** `id` rises with each message of a view; `view` is its UUID. */
export type SentRequest = Request & { id: number; view: string; epoch: number };

// Kernel to browser

/** The request that a message answers. */
export interface ReplyTo {
  view: string;
  id: number;
}

/** A small picture of a frame. Buffer: a JPEG. */
export interface ThumbnailMessage {
  type: "thumbnail";
  frame: number;
}

/** Frames and small pictures look otherwise from now on; those before are out of date. */
export interface ContrastMessage {
  type: "contrast";
}

/**
 * Answers want_levels. Buffers: for each channel one byte a bin, how many values are there, 0..255;
 * the bins go from `low` to `high`.
 */
export interface LevelsMessage {
  type: "levels";
  reply_to: ReplyTo;
  frame: number;
  automatic: boolean;
  /** Whether values are whole numbers. */
  whole: boolean;
  /** Least value of each channel. */
  low: number[];
  high: number[];
  channels: Channel[];
}

export interface MaskEntry {
  object: number;
  /** Object-score logit: above 0 the object is judged visible. */
  score: number;
  /** Predicted IoU, 0..1. */
  iou: number;
  source: Source;
  state: State;
  /** In pixels. */
  area: number;
}

/** Answers hello; what is current follows. */
export interface WelcomeMessage {
  type: "welcome";
  reply_to: ReplyTo;
  protocol: number;
}

/** Pixels of a frame. Buffer: a JPEG. To be acknowledged by `seq`. With `towards`, it lies on the
 * way to that frame, which takes a while to reach. */
export interface FrameMessage {
  type: "frame";
  seq: number;
  frame: number;
  towards: number | null;
}

/** Masks of a frame. Buffers: run lengths, one for each entry. To be acknowledged by `seq`. */
export interface MasksMessage {
  type: "masks";
  seq: number;
  reply_to: ReplyTo | null;
  frame: number;
  /** Objects that are not listed have no mask on this frame. */
  complete: boolean;
  masks: MaskEntry[];
}

/** Answers hover. Buffer: run lengths. */
export interface PreviewMessage {
  type: "preview";
  reply_to: ReplyTo;
  frame: number;
  /** Predicted IoU, 0..1. */
  iou: number;
}

/** The masks of an ambiguous click, perhaps none any more. Buffers: run lengths of each. */
export interface CandidatesMessage {
  type: "candidates";
  frame: number;
  object: number;
  chosen: number;
  /** Predicted IoU, 0..1. */
  ious: number[];
}

export interface ProposalEntry {
  id: number;
  /** Predicted IoU, 0..1. */
  iou: number;
  /** IoU of the masks of two thresholds, 0..1. */
  stability: number;
  /** In pixels. */
  area: number;
}

/** All proposals of a frame that are neither adopted nor dismissed. Buffers: run lengths. */
export interface ProposalsMessage {
  type: "proposals";
  frame: number;
  proposals: ProposalEntry[];
}

/** All prompts of an object on a frame, perhaps none. */
export interface PromptsMessage {
  type: "prompts";
  frame: number;
  object: number;
  points: Point[];
  box: BoxPx | null;
  /** Whether a mask is among the prompts. */
  mask: boolean;
}

/** Where an object is prompted (frames), accepted, rejected, tracked and stale (runs). */
export interface TimelineMessage {
  type: "timeline";
  object: number;
  prompted: number[];
  accepted: Run[];
  rejected: Run[];
  tracked: Run[];
  stale: Run[];
}

/**
 * How sure an object's masks are. Buffer: one byte a frame, from `start` on: 0 for no mask, 1 for
 * absent, 2..255 for a certainty of 0..1.
 */
export interface CertaintyMessage {
  type: "certainty";
  object: number;
  start: number;
}

/** How far a propagation is. */
export interface ProgressMessage {
  type: "progress";
  running: boolean;
  /** The newest tracked. */
  frame: number;
  done: number;
  total: number;
  fps: number;
  eta_s: number;
  /** The way it goes at the moment. */
  direction: Direction;
}

/** A sentence to show in place. */
export interface ErrorMessage {
  type: "error";
  reply_to: ReplyTo | null;
  text: string;
}

/** A request has been carried out; what it changed was sent before. */
export interface DoneMessage {
  type: "done";
  reply_to: ReplyTo;
}

export type Message = { epoch: number } & (
  | WelcomeMessage
  | FrameMessage
  | ThumbnailMessage
  | ContrastMessage
  | LevelsMessage
  | MasksMessage
  | PreviewMessage
  | CandidatesMessage
  | ProposalsMessage
  | PromptsMessage
  | TimelineMessage
  | CertaintyMessage
  | ProgressMessage
  | ErrorMessage
  | DoneMessage
);

type Check = (value: unknown) => boolean;

const isIndex: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isFlag: Check = (value) => typeof value === "boolean";
const isText: Check = (value) => typeof value === "string";
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const tuple =
  (...checks: Check[]): Check =>
  (value) =>
    Array.isArray(value) &&
    value.length === checks.length &&
    checks.every((check, i) => check(value[i]));
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const record =
  (checks: Record<string, Check>): Check =>
  (value) =>
    typeof value === "object" && value !== null && wrongField(value, checks) === null;

const isReplyTo = record({ view: isText, id: isIndex });
const isRuns = listOf(tuple(isIndex, isIndex));
const isMaskEntry = record({
  object: isIndex,
  score: isNumber,
  iou: isNumber,
  source: oneOf("prompt", "track", "edit", "import", "proposal"),
  state: oneOf("fresh", "stale", "accepted", "rejected"),
  area: isIndex,
});
const isChannel = record({
  low: isNumber,
  high: isNumber,
  gamma: isNumber,
  color: isText,
  visible: isFlag,
});
const isProposal = record({ id: isIndex, iou: isNumber, stability: isNumber, area: isIndex });

const CHECKS: Record<Message["type"], Record<string, Check>> = {
  welcome: { reply_to: isReplyTo, protocol: isIndex },
  frame: { seq: isIndex, frame: isIndex, towards: orNull(isIndex) },
  thumbnail: { frame: isIndex },
  contrast: {},
  levels: {
    reply_to: isReplyTo,
    frame: isIndex,
    automatic: isFlag,
    whole: isFlag,
    low: listOf(isNumber),
    high: listOf(isNumber),
    channels: listOf(isChannel),
  },
  masks: {
    seq: isIndex,
    reply_to: orNull(isReplyTo),
    frame: isIndex,
    complete: isFlag,
    masks: listOf(isMaskEntry),
  },
  preview: { reply_to: isReplyTo, frame: isIndex, iou: isNumber },
  candidates: { frame: isIndex, object: isIndex, chosen: isIndex, ious: listOf(isNumber) },
  proposals: { frame: isIndex, proposals: listOf(isProposal) },
  prompts: {
    frame: isIndex,
    object: isIndex,
    points: listOf(tuple(isNumber, isNumber, oneOf(0, 1))),
    box: orNull(tuple(isNumber, isNumber, isNumber, isNumber)),
    mask: isFlag,
  },
  timeline: {
    object: isIndex,
    prompted: listOf(isIndex),
    accepted: isRuns,
    rejected: isRuns,
    tracked: isRuns,
    stale: isRuns,
  },
  certainty: { object: isIndex, start: isIndex },
  progress: {
    running: isFlag,
    frame: isIndex,
    done: isIndex,
    total: isIndex,
    fps: isNumber,
    eta_s: isNumber,
    direction: oneOf("both", "forward", "backward"),
  },
  error: { reply_to: orNull(isReplyTo), text: isText },
  done: { reply_to: isReplyTo },
};

/** Check a message of the kernel, which has `bufferCount` buffers. Throws ProtocolError. */
export function parse(content: unknown, bufferCount: number): Message {
  const message = (content ?? {}) as Message;
  const known = typeof message.type === "string" && Object.hasOwn(CHECKS, message.type);
  const checks = known ? CHECKS[message.type] : null;
  if (!checks)
    throw new ProtocolError(`The kernel sent a message of unknown type: ${show(message.type)}.`);
  const wrong = wrongField(message, { epoch: isIndex, ...checks });
  if (wrong)
    throw new ProtocolError(
      `In the kernel's message "${message.type}", ${wrong} is not what it should be: ` +
        `${show((message as unknown as Record<string, unknown>)[wrong])}.`,
    );
  const expected = buffersOf(message);
  if (bufferCount !== expected)
    throw new ProtocolError(
      `The kernel's message "${message.type}" has ${bufferCount} buffers instead of ${expected}.`,
    );
  return message;
}

function buffersOf(message: Message): number {
  switch (message.type) {
    case "masks":
      return message.masks.length;
    case "candidates":
      return message.ious.length;
    case "proposals":
      return message.proposals.length;
    case "levels":
      return message.channels.length;
    case "frame":
    case "thumbnail":
    case "preview":
    case "certainty":
      return 1;
    default:
      return 0;
  }
}

/** The name of a field that fails its check, or null. */
function wrongField(value: object, checks: Record<string, Check>): string | null {
  const fields = value as Record<string, unknown>;
  return Object.keys(checks).find((name) => !checks[name]?.(fields[name])) ?? null;
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

// Traits

export interface Video {
  width: number;
  height: number;
  num_frames: number;
  fps: number;
  name: string;
  /** Frames of "images" have nothing to do with each other. */
  kind: "video" | "images";
  /** Width and height of each of the images; null where all are alike. */
  sizes: [number, number][] | null;
  /** Of a video that is being recorded, or was in this session. */
  live: Live | null;
}

export interface Live {
  /** Whether more frames may come. */
  recording: boolean;
  /** The oldest frame whose pixels are kept. */
  first: number;
  /** The frame to show to those who follow: the last, or the last that has been tracked. */
  newest: number;
  /** What is to be known of the source. */
  message: string;
}

export interface ObjectInfo {
  id: number;
  name: string;
  /** "#rrggbb" */
  color: string;
  visible: boolean;
  /** Nothing changes its masks. */
  locked: boolean;
}

/** What the kernel tracks by itself after a prompt: what it made stale, or all the rest too. */
export type AutoPropagate = "never" | "corrections" | "always";

/** What undo and redo would do, in words; empty where there is nothing. */
export interface HistoryInfo {
  undo: string;
  redo: string;
}

export interface Status {
  state: "loading" | "ready" | "working" | "propagating" | "error";
  message: string;
  model: string;
  device: string;
  /** How long the model takes for a click, in ms; 0 until it has had one. */
  click_ms: number;
  /** What a person should know of the model, in a few words. */
  note?: string;
  /** What to do about it, in a sentence. */
  note_details?: string;
}
