/** Icons, in a square of 16 units. */

/**
 * Parts, divided by bars: a path, a circle as "cx cy r", or a rectangle as "x y width height rx".
 * What follows a colon is one of `STYLES`.
 */
const ICONS = {
  box: "M2.5 5V3.5a1 1 0 0 1 1-1H5M11 2.5h1.5a1 1 0 0 1 1 1V5M13.5 11v1.5a1 1 0 0 1-1 1H11M5 13.5H3.5a1 1 0 0 1-1-1V11M2.5 7.25v1.5M13.5 7.25v1.5M7.25 2.5h1.5M7.25 13.5h1.5",
  brush:
    "M13.6 2.4c-.7-.7-1.7-.5-2.4.2L6.6 7.5l1.9 1.9 4.9-4.6c.7-.7.9-1.7.2-2.4zM6.4 8.1c-1.7 0-2.4 1-2.6 2.4-.1 1-.6 1.7-1.6 2.1 2.6 1.1 5.8.5 5.9-2.6",
  eraser:
    "m9 3.2 3.8 3.8a1 1 0 0 1 0 1.4L8.2 13H5.5L2.9 10.4a1 1 0 0 1 0-1.4L7.6 3.2a1 1 0 0 1 1.4 0zM5.2 6.5l4.6 4.6M8 13h5.5",
  undo: "M5.5 3 2.5 6l3 3M2.5 6h7a4 4 0 0 1 0 8H6.5",
  redo: "m10.5 3 3 3-3 3M13.5 6h-7a4 4 0 0 0 0 8h3",
  propagate: "M1.5 8h13M4.5 5l-3 3 3 3M11.5 5l3 3-3 3",
  forward: "M2.5 8h11M9.5 4l4 4-4 4",
  backward: "M13.5 8h-11M6.5 4l-4 4 4 4",
  accept: "m3 8.5 3.2 3.25L13 4.5",
  acceptSpan: "m4.5 7 2.3 2.3L11.5 4.5M2 13.25h12M2 11.5v3.5M14 11.5v3.5",
  first: "M4 3.5v9M12 3.5 6.5 8l5.5 4.5z",
  last: "M12 3.5v9M4 3.5 9.5 8 4 12.5z",
  loop: "M4.5 5H11a3 3 0 0 1 0 6H5a3 3 0 0 1-2.4-4.8M6.5 3l-2 2 2 2",
  markIn: "M6.5 2.75h-3v10.5h3M9 8h4.5",
  markOut: "M9.5 2.75h3v10.5h-3M7 8H2.5",
  full: "M2.75 6V2.75H6M10 2.75h3.25V6M13.25 10v3.25H10M6 13.25H2.75V10",
  results: "M8 2.25v7.25M4.9 6.6 8 9.7l3.1-3.1M2.75 10.75v2.5h10.5v-2.5",
  fitTime: "M1.75 3v10M14.25 3v10M4 8h8M6 6 4 8l2 2M10 6l2 2-2 2",
  fold: "m4.5 6.5 3.5 3.5 3.5-3.5",
  chart: "M2.25 2.25v11.5h11.5M4.5 10.5l2.75-3.5 2.25 2 3.75-4.75",
  reset: "M3 3v3.5h3.5M3.3 6.3A5.25 5.25 0 1 1 2.75 9",
  open: "m4.5 6.5 3.5 3.5 3.5-3.5",
  previous: "M10 3.5 5.5 8l4.5 4.5",
  next: "M6 3.5 10.5 8 6 12.5",
  add: "M8 3.25v9.5M3.25 8h9.5",
  remove: "m4.25 4.25 7.5 7.5M11.75 4.25l-7.5 7.5",
  trash: "M2.75 4.25h10.5M6 4V2.75h4V4M4.25 4.5l.6 8.75h6.3l.6-8.75M6.75 7v4M9.25 7v4",
  alert: "M8 2.25 14.25 13H1.75zM8 6.5v3M8 11.2v.1",
  hidden:
    "M6.4 4A6 6 0 0 1 8 3.75C12 3.75 14.5 8 14.5 8a11 11 0 0 1-1.9 2.3M4.3 5.1A10.5 10.5 0 0 0 1.5 8S4 12.25 8 12.25c1.3 0 2.4-.4 3.3-1M2.25 2.25l11.5 11.5",
  positive: "8 8 5.75|M8 5.25v5.5M5.25 8h5.5",
  negative: "8 8 5.75|M5.25 8h5.5",
  polygon:
    "M4.2 4.6 3.4 11M5 12.6l6.2-.9M12.6 10.3 12 6.1M10.6 4.9 5.6 3.7|4.3 3.4 1.3|11.9 5.1 1.3|12.7 11.6 1.3|3.6 12.6 1.3",
  everything:
    "5 5 2.75|9.25 2.5 4.5 5 1|m4.9 9.6 3 4.4H2zM9.6 12.2c0-1.5 1-2.2 2.1-2.2s2 .7 2 1.9-.9 2-2 2-2.1-.4-2.1-1.7z",
  zoomIn: "7 7 4.5|m10.4 10.4 3.35 3.35M7 5.1v3.8M5.1 7h3.8",
  zoomOut: "7 7 4.5|m10.4 10.4 3.35 3.35M5.1 7h3.8",
  hover:
    "M10.9 7.2c1.3-2.6-.6-4.9-3.3-4.9-3 0-5.3 2-5.3 4.8 0 2.6 2 3.9 4.4 3.4:dashed|m7.6 7.6 5.9 2.2-2.6 1.1-1.1 2.6z:filled",
  wipe: "2.25 3 11.5 10 1.5|M8 1.5v13|M8.5 3.5h4a.9.9 0 0 1 .9.9v7.2a.9.9 0 0 1-.9.9h-4z:pale",
  display: "M2.5 4.75h6M12.5 4.75h1M2.5 11.25h1M7.5 11.25h6|10.5 4.75 1.75|5.5 11.25 1.75",
  clear: "6.5 6.5 4:dashed|m9.75 9.75 4 4M13.75 9.75l-4 4",
  reject: "8 8 5.75|m4 12 8-8",
  nextUnreviewed: "M2.5 8h6.5M6.5 5 9.5 8l-3 3|12.5 8 1.6",
  play: "M5 3.25v9.5L12.5 8z:filled",
  pause: "M5.5 3.5v9M10.5 3.5v9:bold",
  solo: "8 8 2:filled|M2.5 5V2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11",
  lock: "3.5 7 9 6.5 1.5|M5.5 7V5a2.5 2.5 0 0 1 5 0v2",
  unlock: "3.5 7 9 6.5 1.5|M5.5 7V5a2.5 2.5 0 0 1 4.8-1",
  tag: "M2.5 3.5a1 1 0 0 1 1-1h4.3l5.7 5.7-5.3 5.3-5.7-5.7z|5.5 5.5 .9",
  help: "8 8 5.75|M6.4 6.4a1.7 1.7 0 1 1 2.5 1.5c-.6.35-.9.7-.9 1.4M8 11.2v.1",
  stop: "3.75 3.75 8.5 8.5 1.5:solid",
  follow: "8 8 2.25|M8 1.5V4M8 12v2.5M1.5 8H4M12 8h2.5",
  live: "8 8 2:filled|M4.6 11.4a4.8 4.8 0 0 1 0-6.8M11.4 4.6a4.8 4.8 0 0 1 0 6.8",
  visible: "M1.5 8S4 3.75 8 3.75 14.5 8 14.5 8 12 12.25 8 12.25 1.5 8 1.5 8z|8 8 1.9",
} as const;

export type IconName = keyof typeof ICONS;

const FILLED = { fill: "currentColor" };
const SOLID = { ...FILLED, stroke: "none" };
const STYLES: Record<string, Record<string, string>> = {
  bold: { "stroke-width": "2.25" },
  dashed: { "stroke-dasharray": "2.2 2" },
  filled: FILLED,
  pale: { ...SOLID, opacity: ".45" },
  solid: SOLID,
};

export function icon(name: IconName): SVGElement {
  const parts = ICONS[name].split("|").map((part) => {
    const [shape = "", style = ""] = part.split(":");
    return draw(shape, STYLES[style] ?? {});
  });
  return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, ...parts);
}

function draw(shape: string, style: Record<string, string>): SVGElement {
  if (/^m/i.test(shape)) return svg("path", { d: shape, ...style });
  const [x = "", y = "", third = "", height = "", rx = ""] = shape.split(" ");
  if (!height) return svg("circle", { cx: x, cy: y, r: third, ...style });
  return svg("rect", { x, y, width: third, height, rx, ...style });
}

/** An element of SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
  ...children: Node[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
