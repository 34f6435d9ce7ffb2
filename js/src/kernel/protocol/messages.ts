/**
 * The messages between kernel and browser. Written by `python -m tools.protocol_types` from
 * sam2widget/bridge/protocol: change that.
 */

export const PROTOCOL = 2;

/** A program that runs networks, and the decoder's. */
export type DecoderFile = "network" | "runtime" | "runtime_webgpu";

/** What a mask is painted with. */
export type Shape = "brush" | "polygon";

export type Direction = "backward" | "both" | "forward";

/** Where a mask comes from. */
export type Source = "edit" | "import" | "prompt" | "proposal" | "track";

export type State = "accepted" | "fresh" | "rejected" | "stale";

/** 1 is on the object, 0 is not. */
export type Label = 0 | 1;

/** How an option of an export is asked for. */
export type OptionKind = "choice" | "flag" | "number" | "text";

/** Whether what was done is in a file yet. */
export type SavingState = "failed" | "off" | "saved" | "unsaved";

/** x, y, label. */
export type Point = [number, number, Label];

/** x0, y0, x1, y1. */
export type BoxPx = [number, number, number, number];

/** First frame, and the one after the last. */
export type Run = [number, number];

/** How one channel's values are shown, as in `sam2_backend.video.Channel`, which checks them. */
export interface ChannelEntry {
  /** What is shown black, in the source's own values. */
  low: number;
  /** What is shown in full colour. */
  high: number;
  gamma: number;
  /** "#rrggbb" */
  color: string;
  visible: boolean;
}

/** An option of an export as a person wrote it, which the kernel reads by the option's kind. */
export interface OptionValue {
  name: string;
  value: string;
}

/** The request that a message answers. */
export interface ReplyTo {
  view: string;
  id: number;
}

/** One mask of a Masks message. */
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

/** One mask of a Proposals message. */
export interface ProposalEntry {
  id: number;
  /** Predicted IoU, 0..1. */
  iou: number;
  /** IoU of the masks of two thresholds, 0..1. */
  stability: number;
  /** In pixels. */
  area: number;
}

/** One model of a Models message. */
export interface ModelEntry {
  name: string;
  /** As a person reads it. */
  label: string;
  /** It comes with the library, is on the kernel's machine, or is fetched. */
  state: "bundled" | "cached" | "download";
  size_bytes: number;
}

/** One memory policy of a Models message. */
export interface MemoryEntry {
  name: string;
  /** What it is for, as a person reads it. */
  purpose: string;
}

/** A format that results can be exported in. */
export interface FormatEntry {
  name: string;
  description: string;
  /** What an export would be called. */
  file: string;
  /** Whether frames are written with an effect. */
  effects: boolean;
  options: OptionEntry[];
}

/** An option of a format. */
export interface OptionEntry {
  name: string;
  description: string;
  kind: OptionKind;
  /** As it is shown; "" where it is nothing. */
  default: string;
  /** Of a choice. */
  choices: string[];
}

/** A file that a view may fetch. */
export interface DownloadEntry {
  id: number;
  name: string;
  /** In bytes. */
  size: number;
}

// Browser to kernel

/** What every message of the browser has. */
export interface Sender {
  /** Rises by one with each message of a view. */
  id: number;
  /** UUID of the view that sends it. */
  view: string;
  /** The kernel's, as the view knows it. */
  epoch: number;
}

/** A view was rendered or reconnected: send what is current. */
export interface HelloRequest {
  type: "hello";
}

/**
 * A view needs masks and prompts of a frame, and its pixels unless it still has them. The latest of
 * a view counts: an answer tells that those before it get none any more.
 */
export interface WantRequest {
  type: "want";
  frame: number;
  pixels: boolean;
  /** Wanted next, each as by a request with the next id. */
  then: number[];
  /** The view plays or scrubs: a smaller picture will do. */
  moving?: boolean;
  /** As `seqs` of Ack: one message less for each frame. */
  drawn: number[];
}

/** A view needs small pictures of these frames. The latest of a view counts. */
export interface ThumbnailsRequest {
  type: "thumbnails";
  frames: number[];
}

/** A view shows a frame in small, besides the one on its stage: send its masks. */
export interface WantMasksRequest {
  type: "want_masks";
  frame: number;
}

/** A view shows how large an object's masks are over time. */
export interface WantAreasRequest {
  type: "want_areas";
  object: number;
}

/** A view shows how a frame's values are spread. The latest of a view counts. */
export interface WantLevelsRequest {
  type: "want_levels";
  frame: number;
}

/** A view needs a part of a large picture. The latest of a view counts. */
export interface WantRegionRequest {
  type: "want_region";
  frame: number;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  /** Of what is sent, in its own pixels. */
  width: number;
  height: number;
}

/**
 * Show the video, or the pictures, with another contrast. Channels null is the automatic one. The
 * latest of a view counts.
 */
export interface SetContrastRequest {
  type: "set_contrast";
  channels: ChannelEntry[] | null;
}

/**
 * Predict the mask that a positive point here would give. The latest of a view counts; object null
 * is a new one.
 */
export interface HoverRequest {
  type: "hover";
  frame: number;
  x: number;
  y: number;
  object: number | null;
  window?: [number, number, number, number] | null;
}

/**
 * A view decodes masks itself: send what its decoder is given before a further click. The latest of
 * a view counts; object null is a new one.
 */
export interface WantFeaturesRequest {
  type: "want_features";
  frame: number;
  object: number | null;
}

/** A view decodes masks itself: send a part of a file that it needs for that. */
export interface WantDecoderRequest {
  type: "want_decoder";
  file: DecoderFile;
  offset: number;
}

/** A point; object null is the selected one, or a new one if there is none. */
export interface ClickRequest {
  type: "click";
  frame: number;
  x: number;
  y: number;
  label: Label;
  object: number | null;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
  window?: [number, number, number, number] | null;
}

/** A box; object null as in Click. */
export interface BoxRequest {
  type: "box";
  frame: number;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  object: number | null;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
  window?: [number, number, number, number] | null;
}

/** Add to a mask by hand, or take away from it; object null as in Click. */
export interface PaintRequest {
  type: "paint";
  frame: number;
  shape: Shape;
  erase: boolean;
  /** Of a brush; a polygon has none. */
  radius: number;
  /** x0, y0, x1, y1…: the way of the brush's centre, or the polygon's corners. */
  path: number[];
  object: number | null;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Choose another of an ambiguous click's masks. */
export interface ChooseRequest {
  type: "choose";
  frame: number;
  object: number;
  index: number;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Put a point elsewhere. */
export interface MovePointRequest {
  type: "move_point";
  frame: number;
  object: number;
  index: number;
  x: number;
  y: number;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Take a point away. */
export interface RemovePointRequest {
  type: "remove_point";
  frame: number;
  object: number;
  index: number;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Take the box away. */
export interface RemoveBoxRequest {
  type: "remove_box";
  frame: number;
  object: number;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Take all prompts of an object on a frame away. */
export interface ClearPromptsRequest {
  type: "clear_prompts";
  frame: number;
  object: number;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Add an object and select it. */
export interface AddObjectRequest {
  type: "add_object";
}

/** Remove an object with its masks. */
export interface RemoveObjectRequest {
  type: "remove_object";
  object: number;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Let an object divide on a frame: two new ones go on from there, of which one is selected. */
export interface SplitRequest {
  type: "split";
  object: number;
  frame: number;
}

/** Change of an object what is not null. */
export interface UpdateObjectRequest {
  type: "update_object";
  object: number;
  name?: string | null;
  color?: string | null;
  visible?: boolean | null;
  locked?: boolean | null;
}

/** Say of which class objects are; "" for none. With `add`, a new class is added. */
export interface SetClassRequest {
  type: "set_class";
  objects: number[];
  class_name: string;
  add?: boolean;
}

/** Set attributes of an object by name; null takes one away. */
export interface SetAttributesRequest {
  type: "set_attributes";
  object: number;
  attributes: Record<string, boolean | number | string | null>;
}

/** Add a class after the others. */
export interface AddClassRequest {
  type: "add_class";
  class_name: string;
}

/** Give a class another colour. */
export interface SetClassColorRequest {
  type: "set_class_color";
  class_name: string;
  color: string;
}

/**
 * Track frames start to stop (not included); null is the end of the video there. Objects null are
 * all that are not locked.
 */
export interface PropagateRequest {
  type: "propagate";
  direction: Direction;
  start: number | null;
  stop: number | null;
  objects: number[] | null;
}

/** Vouch for masks on frames start to stop (not included); object null is every one. */
export interface AcceptRequest {
  type: "accept";
  start: number;
  stop: number;
  object: number | null;
}

/** Say that masks are wrong, on frames and of objects as in Accept. */
export interface RejectRequest {
  type: "reject";
  start: number;
  stop: number;
  object: number | null;
}

/** Take acceptance or rejection back, on frames and of objects as in Accept. */
export interface UnreviewRequest {
  type: "unreview";
  start: number;
  stop: number;
  object: number | null;
}

/** Take prompts and masks away, on frames and of objects as in Accept. */
export interface ResetRequest {
  type: "reset";
  start: number;
  stop: number;
  object: number | null;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Go to the least certain mask that nobody has reviewed. */
export interface NextUnreviewedRequest {
  type: "next_unreviewed";
}

/** Segment everything on a frame, or find on it, or through the video, what a text names. */
export interface ProposeRequest {
  type: "propose";
  frame: number;
  text: string;
  video?: boolean;
  window?: [number, number, number, number] | null;
}

/** Make proposals objects: each its own, or with `merge` all one: `object`, or a new one. */
export interface AdoptRequest {
  type: "adopt";
  frame: number;
  proposals: number[];
  merge: boolean;
  object: number | null;
  /** Whether masks that are accepted may change; without it, they are refused. */
  change_accepted?: boolean;
}

/** Drop proposals. */
export interface DismissRequest {
  type: "dismiss";
  frame: number;
  proposals: number[];
}

/** Let masks of different objects on a frame exclude each other, or overlap. */
export interface SetNonOverlappingRequest {
  type: "set_non_overlapping";
  on: boolean;
}

/** A view shows which models there are. */
export interface WantModelsRequest {
  type: "want_models";
}

/** Load another model in place of the one at hand: a name, a path or a repository's id. */
export interface SetModelRequest {
  type: "set_model";
  model: string;
}

/** Let tracking follow another memory policy, by its name. */
export interface SetMemoryRequest {
  type: "set_memory";
  memory: string;
}

/** End the loading of a model; the one at hand stays. */
export interface CancelModelRequest {
  type: "cancel_model";
}

/** End the propagation that runs. */
export interface StopRequest {
  type: "stop";
}

/** Undo the last edit. */
export interface UndoRequest {
  type: "undo";
}

/** Do again what was undone last. */
export interface RedoRequest {
  type: "redo";
}

/** Frame or Masks messages have been drawn, or dropped as out of date. */
export interface AckRequest {
  type: "ack";
  seqs: number[];
}

/** A view is still there, and goes on listening to whether the kernel is. */
export interface PingRequest {
  type: "ping";
}

/** A view came into sight or went out of it. */
export interface VisibleRequest {
  type: "visible";
  visible: boolean;
}

/** A view opens its results: tell the formats that there are, and where exports go. */
export interface OpenResultsRequest {
  type: "open_results";
}

/** Write the masks for another program; of a widget one export runs at a time. */
export interface ExportRequest {
  type: "export";
  format: string;
  /** On the kernel's machine; a download needs no more than a name. */
  path: string;
  options: OptionValue[];
  /** Whether files that are there may be replaced. */
  replace: boolean;
  /** Keep it for the browser to fetch. */
  download: boolean;
}

/** End the export that runs; nothing of it stays. */
export interface CancelExportRequest {
  type: "cancel_export";
}

/** A view wants a part of a download, from a byte on. */
export interface WantChunkRequest {
  type: "want_chunk";
  download: number;
  offset: number;
}

/** A view has all of a download, or wants no more of it. */
export interface DropDownloadRequest {
  type: "drop_download";
  download: number;
}

/** The picture that the effect "background" puts objects on. */
export interface SetBackgroundRequest {
  type: "set_background";
  /** A JPEG in base64. */
  jpeg: string;
}

/** Write the session as Python. */
export interface WriteScriptRequest {
  type: "write_script";
}

/** Put what is saved aside and remove all objects. */
export interface StartAnewRequest {
  type: "start_anew";
}

/** A request without what every request has, which the client adds. */
export type Request =
  | HelloRequest
  | WantRequest
  | ThumbnailsRequest
  | WantMasksRequest
  | WantAreasRequest
  | WantLevelsRequest
  | WantRegionRequest
  | SetContrastRequest
  | HoverRequest
  | WantFeaturesRequest
  | WantDecoderRequest
  | ClickRequest
  | BoxRequest
  | PaintRequest
  | ChooseRequest
  | MovePointRequest
  | RemovePointRequest
  | RemoveBoxRequest
  | ClearPromptsRequest
  | AddObjectRequest
  | RemoveObjectRequest
  | SplitRequest
  | UpdateObjectRequest
  | SetClassRequest
  | SetAttributesRequest
  | AddClassRequest
  | SetClassColorRequest
  | PropagateRequest
  | AcceptRequest
  | RejectRequest
  | UnreviewRequest
  | ResetRequest
  | NextUnreviewedRequest
  | ProposeRequest
  | AdoptRequest
  | DismissRequest
  | SetNonOverlappingRequest
  | WantModelsRequest
  | SetModelRequest
  | SetMemoryRequest
  | CancelModelRequest
  | StopRequest
  | UndoRequest
  | RedoRequest
  | AckRequest
  | PingRequest
  | VisibleRequest
  | OpenResultsRequest
  | ExportRequest
  | CancelExportRequest
  | WantChunkRequest
  | DropDownloadRequest
  | SetBackgroundRequest
  | WriteScriptRequest
  | StartAnewRequest;

export type SentRequest = Request & Sender;

// Kernel to browser

/** Answers Hello; what is current follows. */
export interface WelcomeMessage {
  type: "welcome";
  reply_to: ReplyTo;
  protocol: number;
}

/**
 * Pixels of a frame. Buffer: a JPEG. To be acknowledged by `seq`. With `towards`, it lies on the
 * way to that frame, which takes a while to reach.
 */
export interface FrameMessage {
  type: "frame";
  seq: number;
  reply_to: ReplyTo;
  frame: number;
  towards: number | null;
  /** Whether it is smaller or coarser than could be. */
  reduced: boolean;
}

/** Answers WantRegion: a part of a large picture. Buffer: a JPEG. */
export interface RegionMessage {
  type: "region";
  reply_to: ReplyTo;
  frame: number;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** A small picture of a frame. Buffer: a JPEG. */
export interface ThumbnailMessage {
  type: "thumbnail";
  frame: number;
}

/** Frames and small pictures look otherwise from now on; those before are out of date. */
export interface ContrastChangedMessage {
  type: "contrast";
}

/**
 * Answers WantLevels. Buffers: for each channel one byte a bin, how many values are there. The
 * bytes are 0..255; the bins go from `low` to `high`.
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
  /** Largest value of each channel. */
  high: number[];
  channels: ChannelEntry[];
}

/**
 * Masks of a frame. Buffers: run lengths as in `masks.Mask`, one for each entry. To be acknowledged
 * by `seq`.
 */
export interface MasksMessage {
  type: "masks";
  seq: number;
  reply_to: ReplyTo | null;
  frame: number;
  /** Objects that are not listed have no mask on this frame. */
  complete: boolean;
  masks: MaskEntry[];
}

/** Answers Hover. Buffer: run lengths. */
export interface PreviewMessage {
  type: "preview";
  reply_to: ReplyTo;
  frame: number;
  /** Predicted IoU, 0..1. */
  iou: number;
}

/** A view shall decode masks itself, ahead of the kernel. Buffer: a module of JavaScript. */
export interface DecoderMessage {
  type: "decoder";
}

/** Answers WantDecoder. Buffer: some bytes of a file, which is compressed by gzip. */
export interface DecoderPartMessage {
  type: "decoder_part";
  reply_to: ReplyTo;
  file: DecoderFile;
  offset: number;
  /** Bytes of the file. */
  total: number;
}

/**
 * Answers WantFeatures. Buffer: int8 maps, each after the float32 scales of its channels. The maps
 * are the image embedding (channels, size / 16, size / 16), features of a quarter of the channels
 * and size / 8, features of an eighth and size / 4, and with `has_mask` the logits (1, size / 4,
 * size / 4) of the mask that is refined. A value is its byte times the scale.
 */
export interface FeaturesMessage {
  type: "features";
  reply_to: ReplyTo;
  /** Which decoder they are for. */
  network: string;
  /** Side of the network's input. */
  size: number;
  channels: number;
  /** x, y of earlier ones, in its pixels. */
  points: number[];
  labels: number[];
  has_mask: boolean;
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

/**
 * All proposals of a frame that are neither adopted nor dismissed. Buffers: run lengths of each.
 */
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
 * How certain an object's masks are. Buffer: one byte a frame, from `start` on. A byte is 0 for no
 * mask, 1 for absent, 2..255 for a confidence of 0..1.
 */
export interface ConfidenceMessage {
  type: "confidence";
  object: number;
  start: number;
}

/** Answers WantAreas. Buffer: pixels of the mask on each frame, uint32 little-endian. */
export interface AreasMessage {
  type: "areas";
  reply_to: ReplyTo;
  object: number;
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
  /** Seconds that are left; 0 where nothing can be told. */
  eta_s: number;
  /** The way it goes at the moment. */
  direction: Direction;
  /** Seconds since it began. */
  elapsed_s: number;
}

/** Answers WantModels. */
export interface ModelsMessage {
  type: "models";
  reply_to: ReplyTo;
  models: ModelEntry[];
  memories: MemoryEntry[];
}

/** The kernel is there, also while a cell runs. It says so about once a second. */
export interface AliveMessage {
  type: "alive";
  /** Nothing follows until the view is heard again: silence is no sign. */
  pausing: boolean;
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

/** Answers OpenResults. */
export interface FormatsMessage {
  type: "formats";
  reply_to: ReplyTo;
  /** Where exports go unless said, absolute. */
  folder: string;
  formats: FormatEntry[];
}

/** How far an export is. */
export interface ExportProgressMessage {
  type: "export_progress";
  reply_to: ReplyTo;
  /** That is read. */
  frame: number;
  total: number;
  /** Seconds that are left; 0 where nothing can be told. */
  eta_s: number;
}

/** Something is where an export was to be written: nothing was written. */
export interface ExportExistsMessage {
  type: "export_exists";
  reply_to: ReplyTo;
  text: string;
  /** A path beside it where nothing is. */
  other: string;
}

/** An export is there: in its place, or to be fetched. The text says all of it. */
export interface ExportedMessage {
  type: "exported";
  reply_to: ReplyTo;
  text: string;
  /** Absolute; "" of a download. */
  path: string;
  download: DownloadEntry | null;
}

/** Answers WantChunk. Buffer: some bytes of a download. */
export interface ChunkMessage {
  type: "chunk";
  download: number;
  offset: number;
}

/** Answers WriteScript: the session as Python. */
export interface ScriptMessage {
  type: "script";
  reply_to: ReplyTo;
  text: string;
}

/** Whether all edits are in a file. Told when it changes. */
export interface SavedMessage {
  type: "saved";
  state: SavingState;
  /** Of the file, absolute; "" where there is none. */
  path: string;
  /** Since it was written last. */
  ago_s: number | null;
}

export type Message = { epoch: number } & (
  | WelcomeMessage
  | FrameMessage
  | RegionMessage
  | ThumbnailMessage
  | ContrastChangedMessage
  | LevelsMessage
  | MasksMessage
  | PreviewMessage
  | DecoderMessage
  | DecoderPartMessage
  | FeaturesMessage
  | CandidatesMessage
  | ProposalsMessage
  | PromptsMessage
  | TimelineMessage
  | ConfidenceMessage
  | AreasMessage
  | ProgressMessage
  | ModelsMessage
  | AliveMessage
  | ErrorMessage
  | DoneMessage
  | FormatsMessage
  | ExportProgressMessage
  | ExportExistsMessage
  | ExportedMessage
  | ChunkMessage
  | ScriptMessage
  | SavedMessage
);
