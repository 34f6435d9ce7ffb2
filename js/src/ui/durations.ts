/** Times and sizes in words. */

/** What a duration was: "2 min 5 s". */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s % 60 ? ` ${s % 60} s` : ""}`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** What is left, as exactly as one can know it: a number that does not change all the time. */
export function timeLeft(seconds: number): string {
  const s = Math.max(1, Math.ceil(seconds));
  if (s <= 10) return `${s} s`;
  if (s <= 55) return `${roundUp(s, 5)} s`;
  if (s <= 290) return duration(roundUp(s, 10));
  if (s < 3600) return `${Math.round(s / 60)} min`;
  return duration(roundUp(s, 300));
}

/** "45 of 156 MB", or the size alone. */
export function megabytes(bytes: number): string {
  const mb = bytes / 1e6;
  return `${mb < 10 ? mb.toFixed(1) : Math.round(mb)} MB`;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
