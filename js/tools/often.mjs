/**
 * What the sources say so often that one short name for it in the bundle pays: `Math.max` is
 * `Math_max` here. The build puts these in its place.
 */

export const {
  abs: Math_abs,
  ceil: Math_ceil,
  floor: Math_floor,
  hypot: Math_hypot,
  max: Math_max,
  min: Math_min,
  round: Math_round,
} = Math;
export const { NEGATIVE_INFINITY: Number_NEGATIVE_INFINITY } = Number;
export const { POSITIVE_INFINITY: Number_POSITIVE_INFINITY } = Number;
export const {
  clearInterval: window_clearInterval,
  clearTimeout: window_clearTimeout,
  setInterval: window_setInterval,
  setTimeout: window_setTimeout,
} = globalThis;
const { performance: clock } = globalThis;
export const performance_now = () => clock.now();
