/** Paths with no more points than their shape needs. */

/** What a `paint` request may carry. */
const MAX_NUMBERS = 16000;

/**
 * A line through the points of a path that are needed to stay within `tolerance` of it
 * (Douglas and Peucker, 1973). Flat lists x, y, x, y...; numbers are rounded to hundredths.
 */
export function simplify(path: readonly number[], tolerance: number): number[] {
  const count = path.length / 2;
  const kept = new Uint8Array(count);
  kept[0] = kept[count - 1] = 1;
  const spans: [number, number][] = [[0, count - 1]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [first, last] = span;
    let [farthest, most] = [first, tolerance];
    for (let i = first + 1; i < last; i++) {
      const distance = toSegment(path, i, first, last);
      if (distance > most) [farthest, most] = [i, distance];
    }
    if (farthest === first) continue;
    kept[farthest] = 1;
    spans.push([first, farthest], [farthest, last]);
  }
  const left = path.filter((_, i) => kept[i >> 1] === 1);
  if (left.length > MAX_NUMBERS) return simplify(left, 2 * tolerance);
  return left.map((value) => Math.round(value * 100) / 100);
}

function toSegment(path: readonly number[], i: number, a: number, b: number): number {
  const at = (k: number) => [path[2 * k] as number, path[2 * k + 1] as number] as const;
  const [[x, y], [ax, ay], [bx, by]] = [at(i), at(a), at(b)];
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length && Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}
