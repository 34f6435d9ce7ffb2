/** What is current, as the traits of sam2widget/widget/widget.py have it. */

export interface Video {
  width: number;
  height: number;
  num_frames: number;
  fps: number;
  /** Seconds from the recording of a frame to that of the next; 0 where that is not known. */
  interval_s: number;
  name: string;
  /** Frames of "images" have nothing to do with each other. */
  kind: "video" | "images";
  /** Width and height of each of the images; null where all are alike. */
  sizes: [number, number][] | null;
  /** Of a video that is being recorded, or was in this session. */
  live: Live | null;
  /** How large a pixel is; null where that is not known. */
  pixel_size: PixelSize | null;
  /** Whether it is one picture so large that it is sent by region. */
  windowed: boolean;
}

export interface PixelSize {
  /** Width and height of a pixel, in the unit. */
  x: number;
  y: number;
  /** "µm" */
  unit: string;
  /** Who says so, such as "OME-XML"; empty where it was said when the widget was made. */
  source: string;
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
  /** How its lines are dashed: lengths on and off along a line that is 2 wide; none is solid. */
  dash?: number[];
  visible: boolean;
  /** Nothing changes its masks. */
  locked: boolean;
  /** Of its class, "" for none. */
  class_name: string;
  attributes: Record<string, Attribute>;
  parents?: number[];
}

export type Attribute = boolean | number | string;

/** A class that objects may have. */
export interface ObjectClass {
  name: string;
  /** "#rrggbb" */
  color: string;
}

/** Whose colour a mask is shown in. */
export type ColorBy = "object" | "class";

/** What the kernel tracks by itself after a prompt: what it made stale, or all the rest too. */
export type AutoPropagate = "never" | "corrections" | "always";

/** What undo and redo would do, in words; empty where there is nothing. */
export interface HistoryInfo {
  undo: string;
  redo: string;
}

export interface Download {
  done_bytes: number;
  /** 0 where it is not known, as is the time. */
  total_bytes: number;
  eta_s: number;
}

export interface Status {
  state: "loading" | "ready" | "working" | "propagating" | "error";
  message: string;
  model: string;
  device: string;
  /** How long the model takes for a click, in ms; 0 until it has had one. */
  click_ms: number;
  /** The memory policy that tracking follows, where it has a name. */
  memory?: string;
  /** What a person should know of the model, in a few words. */
  note?: string;
  /** What to do about it, in a sentence. */
  note_details?: string;
  /** A better model, by its name and as a person reads it. */
  note_model?: string;
  note_label?: string;
  /** The model that is being loaded in place of this one; empty where there is none. */
  switching?: string;
  /** How far the download of a model is; null where there is none. */
  download?: Download | null;
}
