/**
 * What each field of the kernel's messages must be. Written by `python -m tools.protocol_types`
 * from sam2widget/bridge/protocol: change that.
 */

import {
  type Checks,
  isFlag,
  isIndex,
  isNumber,
  isText,
  listOf,
  oneOf,
  orNull,
  record,
  tuple,
} from "./checks";
import type { Message } from "./messages";

const isReplyTo = record({
  view: isText,
  id: isIndex,
});
const isChannelEntry = record({
  low: isNumber,
  high: isNumber,
  gamma: isNumber,
  color: isText,
  visible: isFlag,
});
const isSource = oneOf("edit", "import", "prompt", "proposal", "track");
const isState = oneOf("accepted", "fresh", "rejected", "stale");
const isMaskEntry = record({
  object: isIndex,
  score: isNumber,
  iou: isNumber,
  source: isSource,
  state: isState,
  area: isIndex,
});
const isDecoderFile = oneOf("network", "runtime", "runtime_webgpu");
const isProposalEntry = record({
  id: isIndex,
  iou: isNumber,
  stability: isNumber,
  area: isIndex,
});
const isLabel = oneOf(0, 1);
const isPoint = tuple(isNumber, isNumber, isLabel);
const isBoxPx = tuple(isNumber, isNumber, isNumber, isNumber);
const isRun = tuple(isIndex, isIndex);
const isDirection = oneOf("backward", "both", "forward");
const isModelEntry = record({
  name: isText,
  label: isText,
  state: oneOf("bundled", "cached", "download"),
  size_bytes: isIndex,
});
const isMemoryEntry = record({
  name: isText,
  purpose: isText,
});
const isOptionKind = oneOf("choice", "flag", "number", "text");
const isOptionEntry = record({
  name: isText,
  description: isText,
  kind: isOptionKind,
  default: isText,
  choices: listOf(isText),
});
const isFormatEntry = record({
  name: isText,
  description: isText,
  file: isText,
  effects: isFlag,
  options: listOf(isOptionEntry),
});
const isDownloadEntry = record({
  id: isIndex,
  name: isText,
  size: isIndex,
});
const isSavingState = oneOf("failed", "off", "saved", "unsaved");

export const CHECKS: Record<Message["type"], Checks> = {
  welcome: {
    reply_to: isReplyTo,
    protocol: isIndex,
  },
  frame: {
    seq: isIndex,
    reply_to: isReplyTo,
    frame: isIndex,
    towards: orNull(isIndex),
    reduced: isFlag,
  },
  region: {
    reply_to: isReplyTo,
    frame: isIndex,
    x0: isIndex,
    y0: isIndex,
    x1: isIndex,
    y1: isIndex,
  },
  thumbnail: {
    frame: isIndex,
  },
  contrast: {},
  levels: {
    reply_to: isReplyTo,
    frame: isIndex,
    automatic: isFlag,
    whole: isFlag,
    low: listOf(isNumber),
    high: listOf(isNumber),
    channels: listOf(isChannelEntry),
  },
  masks: {
    seq: isIndex,
    reply_to: orNull(isReplyTo),
    frame: isIndex,
    complete: isFlag,
    masks: listOf(isMaskEntry),
  },
  preview: {
    reply_to: isReplyTo,
    frame: isIndex,
    iou: isNumber,
  },
  decoder: {},
  decoder_part: {
    reply_to: isReplyTo,
    file: isDecoderFile,
    offset: isIndex,
    total: isIndex,
  },
  features: {
    reply_to: isReplyTo,
    network: isText,
    size: isIndex,
    channels: isIndex,
    points: listOf(isNumber),
    labels: listOf(isIndex),
    has_mask: isFlag,
  },
  candidates: {
    frame: isIndex,
    object: isIndex,
    chosen: isIndex,
    ious: listOf(isNumber),
  },
  proposals: {
    frame: isIndex,
    proposals: listOf(isProposalEntry),
  },
  prompts: {
    frame: isIndex,
    object: isIndex,
    points: listOf(isPoint),
    box: orNull(isBoxPx),
    mask: isFlag,
  },
  timeline: {
    object: isIndex,
    prompted: listOf(isIndex),
    accepted: listOf(isRun),
    rejected: listOf(isRun),
    tracked: listOf(isRun),
    stale: listOf(isRun),
  },
  confidence: {
    object: isIndex,
    start: isIndex,
  },
  areas: {
    reply_to: isReplyTo,
    object: isIndex,
  },
  progress: {
    running: isFlag,
    frame: isIndex,
    done: isIndex,
    total: isIndex,
    fps: isNumber,
    eta_s: isNumber,
    direction: isDirection,
    elapsed_s: isNumber,
  },
  models: {
    reply_to: isReplyTo,
    models: listOf(isModelEntry),
    memories: listOf(isMemoryEntry),
  },
  alive: {
    pausing: isFlag,
  },
  error: {
    reply_to: orNull(isReplyTo),
    text: isText,
  },
  done: {
    reply_to: isReplyTo,
  },
  formats: {
    reply_to: isReplyTo,
    folder: isText,
    formats: listOf(isFormatEntry),
  },
  export_progress: {
    reply_to: isReplyTo,
    frame: isIndex,
    total: isIndex,
    eta_s: isNumber,
  },
  export_exists: {
    reply_to: isReplyTo,
    text: isText,
    other: isText,
  },
  exported: {
    reply_to: isReplyTo,
    text: isText,
    path: isText,
    download: orNull(isDownloadEntry),
  },
  chunk: {
    download: isIndex,
    offset: isIndex,
  },
  script: {
    reply_to: isReplyTo,
    text: isText,
  },
  saved: {
    state: isSavingState,
    path: isText,
    ago_s: orNull(isNumber),
  },
};
