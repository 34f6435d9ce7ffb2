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

export type SentRequest = Request & { id: number; view: string; epoch: number };

// Kernel to browser

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

export interface PromptsMessage {
  type: "prompts";
  frame: number;
  object: number;
  /** x, y, label. */
  points: [number, number, 0 | 1][];
  box: [number, number, number, number] | null;
  /** Whether a mask is among the prompts. */
  mask: boolean;
}

export interface TimelineMessage {
  type: "timeline";
  object: number;
  prompted: number[];
  accepted: [number, number][];
  tracked: [number, number][];
  stale: [number, number][];
}

export interface ProgressMessage {
  type: "progress";
  running: boolean;
  /** The newest tracked. */
  frame: number;
  done: number;
  total: number;
  fps: number;
  eta_s: number;
  direction: Direction;
}

export type Message = { epoch: number } & (
  | { type: "welcome"; reply_to: ReplyTo; protocol: number }
  | { type: "frame"; seq: number; frame: number }
  | {
      type: "masks";
      seq: number;
      reply_to: ReplyTo | null;
      frame: number;
      complete: boolean;
      masks: MaskEntry[];
    }
  | PromptsMessage
  | TimelineMessage
  | ProgressMessage
  | { type: "error"; reply_to: ReplyTo | null; text: string }
  | { type: "done"; reply_to: ReplyTo }
);

const MESSAGE_TYPES = new Set([
  "welcome",
  "frame",
  "masks",
  "prompts",
  "timeline",
  "progress",
  "error",
  "done",
]);

/** The message, or null for one that this version does not know. */
export function parse(content: unknown): Message | null {
  const message = content as Message | null;
  const known =
    typeof message === "object" &&
    message !== null &&
    MESSAGE_TYPES.has(message.type) &&
    Number.isInteger(message.epoch);
  return known ? message : null;
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
