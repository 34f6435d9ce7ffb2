/** What a view knows of results: the effect it shows, exports, and what is saved. */

import type {
  ExportExistsMessage,
  ExportRequest,
  FormatsMessage,
  SavedMessage,
} from "../kernel/protocol";

export type EffectName = "overlay" | "cutout" | "blur" | "spotlight" | "outline" | "background";

/** How frames are written, and shown: "overlay" shows masks as always. */
export interface Effect {
  name: EffectName;
  /** Of the selected object alone; else of all that are shown. */
  selectedOnly: boolean;
  /** 0..1, by effect. */
  strengths: { blur: number; spotlight: number; outline: number };
  /** "#rrggbb" */
  color: string;
  /** In place of the colour. */
  picture: ImageBitmap | null;
}

/** An export that runs, or a file that is being fetched. */
export interface RunningExport {
  /** Of the request. */
  id: number;
  request: ExportRequest;
  /** 0..1; null before it is known. */
  share: number | null;
  text: string;
}

export interface Results {
  formats: FormatsMessage | null;
  running: RunningExport | null;
  /** The question whether something may be replaced. */
  exists: (ExportExistsMessage & { request: ExportRequest }) | null;
  /** What came of it. */
  said: { text: string; path: string; failed: boolean } | null;
}

export interface ResultsState {
  effect: Effect;
  results: Results;
  saved: (Pick<SavedMessage, "state" | "path"> & { at: number | null }) | null;
}

/** As sam2widget/export/effects/frame_effect.py has them. */
const DEFAULT_EFFECT: Effect = {
  ...{ name: "overlay", selectedOnly: false, color: "#00b140", picture: null },
  strengths: { blur: 0.5, spotlight: 0.7, outline: 0.5 },
};

export function resultsState(): ResultsState {
  return {
    effect: DEFAULT_EFFECT,
    results: { formats: null, running: null, exists: null, said: null },
    saved: null,
  };
}

export function hasStrength(name: EffectName): name is keyof Effect["strengths"] {
  return name in DEFAULT_EFFECT.strengths;
}
