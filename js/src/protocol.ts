/**
 * The messages between kernel and browser. Twin of sam2widget/protocol.py: keep both in step.
 *
 * What happened goes in messages; what is current goes in traits. All coordinates are (x, y) in
 * pixels of the original frame; runs of frames are half-open. Pixels and masks travel in binary
 * buffers beside a message.
 */

export const PROTOCOL = 1;

export type Direction = "both" | "forward" | "backward";
export type Source = "prompt" | "track" | "edit" | "import";
export type State = "fresh" | "stale" | "accepted";
/** x, y, label: 1 is on the object, 0 is not. */
export type Point = [number, number, 0 | 1];
/** x0, y0, x1, y1. */
export type BoxPx = [number, number, number, number];
/** First frame, and the one after the last. */
export type Run = [number, number];

/** A message that is none of these; the text says what is wrong with it. */
export class ProtocolError extends Error {}

// Browser to kernel

/** A request without what every request has; the client adds `id`, `view` and `epoch`. */
export type Request =
  | { type: "hello" }
  | { type: "want"; frame: number }
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
  | { type: "remove_point"; frame: number; object: number; index: number }
  | { type: "remove_box"; frame: number; object: number }
  | { type: "clear_prompts"; frame: number; object: number }
  | { type: "add_object" }
  | { type: "remove_object"; object: number }
  | { type: "update_object"; object: number; name?: string; color?: string; visible?: boolean }
  | { type: "propagate"; start: number | null; stop: number | null; direction: Direction }
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

/** Pixels of a frame. Buffer: a JPEG. To be acknowledged by `seq`. */
export interface FrameMessage {
  type: "frame";
  seq: number;
  frame: number;
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

/** Where an object is prompted (frames), accepted, tracked and stale (runs). */
export interface TimelineMessage {
  type: "timeline";
  object: number;
  prompted: number[];
  accepted: Run[];
  tracked: Run[];
  stale: Run[];
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
  | MasksMessage
  | PromptsMessage
  | TimelineMessage
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
  source: oneOf("prompt", "track", "edit", "import"),
  state: oneOf("fresh", "stale", "accepted"),
  area: isIndex,
});

const CHECKS: Record<Message["type"], Record<string, Check>> = {
  welcome: { reply_to: isReplyTo, protocol: isIndex },
  frame: { seq: isIndex, frame: isIndex },
  masks: {
    seq: isIndex,
    reply_to: orNull(isReplyTo),
    frame: isIndex,
    complete: isFlag,
    masks: listOf(isMaskEntry),
  },
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
    tracked: isRuns,
    stale: isRuns,
  },
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
  const checks = Object.hasOwn(CHECKS, message.type) ? CHECKS[message.type] : null;
  if (!checks)
    throw new ProtocolError(`The kernel sent a message of unknown type: ${show(message.type)}.`);
  const wrong = wrongField(message, { epoch: isIndex, ...checks });
  if (wrong)
    throw new ProtocolError(
      `In the kernel's message "${message.type}", ${wrong} is not what it should be: ` +
        `${show((message as unknown as Record<string, unknown>)[wrong])}.`,
    );
  const expected = message.type === "masks" ? message.masks.length : +(message.type === "frame");
  if (bufferCount !== expected)
    throw new ProtocolError(
      `The kernel's message "${message.type}" has ${bufferCount} buffers instead of ${expected}.`,
    );
  return message;
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
}

export interface ObjectInfo {
  id: number;
  name: string;
  /** "#rrggbb" */
  color: string;
  visible: boolean;
}

export interface Status {
  state: "loading" | "ready" | "working" | "propagating" | "error";
  message: string;
  model: string;
  device: string;
}
