/** What page and worker say to each other. */

import type { Choice } from "./providers";

/** What a click is decoded with, but for the click. */
export interface Inputs {
  /** Side of the network's input. */
  size: number;
  channels: number;
  /** x, y of earlier points, in its pixels. */
  points: number[];
  labels: number[];
  has_mask: boolean;
}

export type ToWorker =
  | { type: "start"; runtime: ArrayBuffer; choice: Choice }
  | { type: "network"; network: ArrayBuffer }
  | { type: "features"; key: number; inputs: Inputs; maps: ArrayBuffer }
  | { type: "forget"; key: number }
  | {
      type: "decode";
      id: number;
      key: number;
      x: number;
      y: number;
      label: number;
      width: number;
      height: number;
    };

export type FromWorker =
  | { type: "ready" }
  | { type: "runs_on"; reason: string }
  | { type: "failed"; text: string }
  | { type: "decoded"; id: number; iou: number; runs: Uint32Array<ArrayBuffer> };
