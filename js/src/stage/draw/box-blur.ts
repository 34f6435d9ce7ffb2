/** A blur that every browser has, and that is Pillow's: three box blurs in a row. */

const PASSES = 3;

/**
 * Blur pixels that are partly transparent, and give their colours without what is transparent:
 * colours of what was cut out do not run into the rest. In place; all is opaque afterwards.
 */
export function blurColors(
  data: Uint8ClampedArray,
  width: number,
  height: number,
  sigma: number,
): void {
  const count = width * height;
  const values = new Float32Array(4 * count);
  for (let i = 0; i < 4 * count; i += 4) {
    const alpha = (data[i + 3] as number) / 255;
    for (let c = 0; c < 3; c++) values[i + c] = (data[i + c] as number) * alpha;
    values[i + 3] = 255 * alpha;
  }
  blur(values, width, height, sigma);
  for (let i = 0; i < 4 * count; i += 4) {
    const alpha = Math.max(values[i + 3] as number, 1);
    for (let c = 0; c < 3; c++) data[i + c] = (255 * (values[i + c] as number)) / alpha;
    data[i + 3] = 255;
  }
}

/** Blur four channels in place, by a Gaussian's standard deviation in pixels. */
export function blur(values: Float32Array, width: number, height: number, sigma: number): void {
  const radius = boxRadius(sigma);
  const line = new Float32Array(Math.max(width, height));
  for (let pass = 0; pass < PASSES; pass++) {
    for (let y = 0; y < height; y++)
      for (let c = 0; c < 4; c++) blurLine(values, 4 * y * width + c, 4, width, radius, line);
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 4; c++) blurLine(values, 4 * x + c, 4 * width, height, radius, line);
  }
}

/** Of the boxes that have, one after the other, a standard deviation; it may be a fraction. */
export function boxRadius(sigma: number): number {
  const variance = sigma ** 2 / PASSES;
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const rest =
    ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2));
  return whole + rest;
}

/** The mean of a box around each value of a line; beyond its ends it goes on as it ends. */
function blurLine(
  values: Float32Array,
  start: number,
  step: number,
  length: number,
  radius: number,
  line: Float32Array,
): void {
  const reach = Math.floor(radius);
  const edge = radius - reach;
  const weight = 1 / (2 * radius + 1);
  const last = length - 1;
  for (let i = 0; i < length; i++) line[i] = values[start + i * step] as number;
  const at = (i: number) => line[Math.max(0, Math.min(i, last))] as number;
  let sum = 0;
  for (let i = -reach; i <= reach; i++) sum += at(i);
  for (let i = 0; i < length; i++) {
    const outer = edge * (at(i - reach - 1) + at(i + reach + 1));
    values[start + i * step] = (sum + outer) * weight;
    sum += at(i + reach + 1) - at(i - reach);
  }
}
