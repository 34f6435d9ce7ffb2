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

/** 0:07.25, or 1:02:03.50; with no decimals 0:07. */
export function timecode(seconds: number, decimals = 2): string {
  const unit = 10 ** decimals;
  const all = Math.floor(seconds * unit + 1e-6);
  const [whole, rest] = [Math.floor(all / unit), all % unit];
  const padded = (value: number, length = 2) => String(value).padStart(length, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const last = padded(whole % 60) + (decimals ? `.${padded(rest, decimals)}` : "");
  if (whole < 3600) return `${minutes}:${last}`;
  return `${Math.floor(whole / 3600)}:${padded(minutes)}:${last}`;
}

/** "45 of 156 MB", or the size alone. */
export function megabytes(bytes: number): string {
  const mb = bytes / 1e6;
  return `${mb < 10 ? mb.toFixed(1) : Math.round(mb)} MB`;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
