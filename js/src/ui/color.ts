/** Of an object that is not there yet. */
export const NO_COLOR = "#8b8d98";

/** Black or white, whichever is legible on "#rrggbb". */
export function inkOn(color: string): string {
  const rgb = Number.parseInt(color.slice(1), 16);
  const luma = 0.299 * (rgb >> 16) + 0.587 * ((rgb >> 8) & 255) + 0.114 * (rgb & 255);
  return luma > 140 ? "#14161a" : "#ffffff";
}
