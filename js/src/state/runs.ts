/** Runs of frames: half-open, in order, apart from each other. */

import type { Run } from "../kernel/protocol";

/** How many frames they have. */
export function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, [start, stop]) => sum + stop - start, 0);
}

/** The run that has a frame. */
export function runAt(runs: readonly Run[], frame: number): Run | undefined {
  return runs.find(([start, stop]) => start <= frame && frame < stop);
}
