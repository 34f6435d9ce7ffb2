/** From bytes to features, and from the decoder's outputs to one mask. */

/** A single mask whose area depends on the threshold by more is unstable (official predictors). */
const STABILITY_DELTA = 0.05;
const STABILITY_THRESHOLD = 0.98;

/** A map of `depth` channels at a place: their float32 scales, then their int8 values. */
export function unpack(
  maps: ArrayBuffer,
  at: number,
  depth: number,
  cells: number,
): Float32Array<ArrayBuffer> {
  const scales = new Float32Array(maps.slice(at, at + depth * 4));
  const bytes = new Int8Array(maps, at + depth * 4, depth * cells);
  const values = new Float32Array(depth * cells);
  for (let i = 0, channel = 0; channel < depth; channel++) {
    const scale = scales[channel] as number;
    for (const end = i + cells; i < end; i++) values[i] = (bytes[i] as number) * scale;
  }
  return values;
}

/** Which of the four masks is the answer, and its predicted IoU. */
export function choose(
  masks: Float32Array,
  ious: Float32Array,
  { cells, ambiguous }: { cells: number; ambiguous: boolean },
): [number, number] {
  let best = 1;
  for (let i = 2; i < ious.length; i++) if ((ious[i] as number) > (ious[best] as number)) best = i;
  let index = best;
  if (!ambiguous) {
    let [inner, outer] = [0, 0];
    for (let i = 0; i < cells; i++) {
      const logit = masks[i] as number;
      if (logit > STABILITY_DELTA) inner++;
      if (logit > -STABILITY_DELTA) outer++;
    }
    if (outer === 0 || inner / outer >= STABILITY_THRESHOLD) index = 0;
  }
  return [index, ious[index] as number];
}

/** Run lengths of (side, side) logits that are resized to a frame and cut at 0. */
export function toRuns(
  logits: Float32Array,
  side: number,
  width: number,
  height: number,
): Uint32Array<ArrayBuffer> {
  const [x0, x1, dx] = steps(side, width);
  const [y0, y1, dy] = steps(side, height);
  const runs: number[] = [];
  const row = new Float32Array(side);
  let [inside, length] = [false, 0];
  for (let y = 0; y < height; y++) {
    const [upper, lower, share] = [
      (y0[y] as number) * side,
      (y1[y] as number) * side,
      dy[y] as number,
    ];
    let [most, least] = [-1 / 0, 1 / 0];
    for (let i = 0; i < side; i++) {
      const [a, b] = [logits[upper + i] as number, logits[lower + i] as number];
      const value = a + (b - a) * share;
      row[i] = value;
      if (value > most) most = value;
      if (value < least) least = value;
    }
    if (most <= 0 || least > 0) {
      // A row of one kind, as most are.
      if (inside !== least > 0) {
        runs.push(length);
        inside = !inside;
        length = 0;
      }
      length += width;
      continue;
    }
    for (let x = 0; x < width; x++) {
      const left = row[x0[x] as number] as number;
      const right = row[x1[x] as number] as number;
      if (left + (right - left) * (dx[x] as number) > 0 !== inside) {
        runs.push(length);
        inside = !inside;
        length = 0;
      }
      length++;
    }
  }
  runs.push(length);
  return Uint32Array.from(runs);
}

/** For each of `to` pixels the two of `from` cells that it lies between, and how far. */
function steps(from: number, to: number): [Uint16Array, Uint16Array, Float32Array] {
  const [first, second, share] = [new Uint16Array(to), new Uint16Array(to), new Float32Array(to)];
  for (let i = 0; i < to; i++) {
    const at = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const cell = Math.floor(at);
    first[i] = cell;
    second[i] = Math.min(cell + 1, from - 1);
    share[i] = at - cell;
  }
  return [first, second, share];
}
