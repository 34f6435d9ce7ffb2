/** Lengths and areas in pixels, or in the unit in which a pixel's size is known. */

import type { PixelSize } from "../kernel/traits";

/** Metric units by their length in metres, from small to large. */
const METRIC: [string, number][] = [
  ["pm", 1e-12],
  ["nm", 1e-9],
  ["µm", 1e-6],
  ["mm", 1e-3],
  ["m", 1],
  ["km", 1e3],
];
const METRES: ReadonlyMap<string, number> = new Map([...METRIC, ["cm", 1e-2], ["Å", 1e-10]]);

/** A mask's area for people: "1,234 px", "521.4 µm²". */
export function areaText(area_px: number, pixel: PixelSize | null): string {
  if (!pixel) return `${area_px.toLocaleString("en")} px`;
  return `${rounded(area_px * pixel.x * pixel.y)} ${pixel.unit}²`;
}

/** The longest round length that takes at most `maxPx` pixels of the image. */
export function roundLength(maxPx: number, pixel: PixelSize | null): { px: number; text: string } {
  if (!pixel) {
    const px = Math.max(1, roundBelow(maxPx));
    return { px, text: `${px.toLocaleString("en")} px` };
  }
  const metres = METRES.get(pixel.unit);
  const length = maxPx * pixel.x;
  if (metres === undefined) {
    const round = roundBelow(length);
    return { px: round / pixel.x, text: `${plain(round)} ${pixel.unit}` };
  }
  // 0.5 µm is 500 nm, 2000 µm is 2 mm; what was said stays as long as it is no stranger.
  const own = roundBelow(length);
  if (own >= 0.1 && own < 1000) return { px: own / pixel.x, text: `${plain(own)} ${pixel.unit}` };
  const [unit, size] = METRIC.findLast(([, size]) => length * metres >= size) ??
    METRIC[0] ?? ["m", 1];
  const round = roundBelow((length * metres) / size);
  return { px: (round * size) / metres / pixel.x, text: `${plain(round)} ${unit}` };
}

/** 1, 2 or 5 times a power of ten, not above a number. */
export function roundBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-12);
  const step = [5, 2, 1].find((one) => one * power <= value * (1 + 1e-12)) ?? 1;
  return Number((step * power).toPrecision(1));
}

function rounded(value: number): string {
  const digits = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 1 ? 2 : 3;
  if (value > 0 && value < 0.001) return value.toExponential(2);
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

function plain(value: number): string {
  return value >= 1e6 || value < 1e-3 ? value.toExponential() : value.toLocaleString("en");
}
