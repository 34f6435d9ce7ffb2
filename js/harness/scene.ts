/** An animated picture, and where its things are. */

export const WIDTH = 640;
export const HEIGHT = 360;
export const FRAMES = 48;

export interface Ball {
  x: number;
  y: number;
  rx: number;
  ry: number;
  color: string;
}

/** The things of a frame, the nearest last. */
export function balls(frame: number): Ball[] {
  const t = frame / FRAMES;
  return [
    { x: 90 + 470 * t, y: 235 - 70 * Math.sin(t * 9) ** 2, rx: 46, ry: 38, color: "#c2553a" },
    { x: 560 - 430 * t, y: 180 + 60 * Math.sin(t * 6), rx: 34, ry: 52, color: "#d9c36a" },
    { x: 320 + 60 * Math.cos(t * 8), y: 285, rx: 58, ry: 27, color: "#5b7f9b" },
  ];
}

export async function jpeg(frame: number): Promise<ArrayBuffer> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw off the screen.");
  const sky = context.createLinearGradient(0, 0, 0, HEIGHT);
  sky.addColorStop(0, "#9cc4dd");
  sky.addColorStop(0.62, "#e7e3cf");
  sky.addColorStop(0.63, "#7f9460");
  sky.addColorStop(1, "#4f6640");
  context.fillStyle = sky;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  for (let i = 0; i < 9; i++) {
    context.fillStyle = i % 2 ? "#6d8f8f" : "#7c9f97";
    context.beginPath();
    context.moveTo(i * 90 - 120 - frame * 0.7, 226);
    context.lineTo(i * 90 - 20 - frame * 0.7, 120 + 17 * (i % 4));
    context.lineTo(i * 90 + 90 - frame * 0.7, 226);
    context.fill();
  }
  for (const { x, y, rx, ry, color } of balls(frame)) {
    const shade = context.createRadialGradient(x - rx / 3, y - ry / 3, 4, x, y, rx * 1.2);
    shade.addColorStop(0, "#ffffff");
    shade.addColorStop(0.25, color);
    shade.addColorStop(1, "#26211c");
    context.fillStyle = shade;
    context.beginPath();
    context.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
    context.fill();
  }
  return (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 })).arrayBuffer();
}

const inEllipse = (ball: Ball, x: number, y: number) =>
  ((x + 0.5 - ball.x) / ball.rx) ** 2 + ((y + 0.5 - ball.y) / ball.ry) ** 2 <= 1;

/** Run lengths of a thing without what nearer ones hide, its upper half, or it and all others. */
export function runs(
  frame: number,
  index: number,
  part: "part" | "whole" | "all" = "whole",
): Encoded {
  return encode(pixelsOf(frame, index, part));
}

/** A byte a pixel. */
export function pixelsOf(
  frame: number,
  index: number,
  part: "part" | "whole" | "all" = "whole",
): Uint8Array {
  const all = balls(frame);
  const ball = all[index] as Ball;
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let p = 0; p < pixels.length; p++) {
    const [x, y] = [p % WIDTH, Math.floor(p / WIDTH)];
    if (part === "all") pixels[p] = +all.some((one) => inEllipse(one, x, y));
    else if (part === "whole" || y < ball.y)
      pixels[p] = +(
        inEllipse(ball, x, y) && !all.slice(index + 1).some((near) => inEllipse(near, x, y))
      );
  }
  return pixels;
}

/** Run lengths of hills, sky and ground besides the things: what "everything" finds. */
export function proposals(frame: number): Encoded[] {
  const area = (inside: (x: number, y: number) => boolean) => {
    const pixels = new Uint8Array(WIDTH * HEIGHT);
    for (let p = 0; p < pixels.length; p++) pixels[p] = +inside(p % WIDTH, Math.floor(p / WIDTH));
    return encode(pixels);
  };
  const hills = [0, 2, 4, 6].map((i) => {
    const left = i * 90 - 120 - frame * 0.7;
    const top = 120 + 17 * (i % 4);
    return area((x, y) => {
      const side = x < left + 100 ? (x - left) / 100 : (left + 210 - x) / 110;
      return y > 226 - side * (226 - top) && y < 226;
    });
  });
  const things = balls(frame).map((_, i) => runs(frame, i));
  return [...things, ...hills, area((_, y) => y > 228), area((_, y) => y < 118)];
}

export interface Encoded {
  bytes: ArrayBuffer;
  area: number;
}

export function encode(pixels: Uint8Array): Encoded {
  const lengths: number[] = [];
  let [length, value, area] = [0, 0, 0];
  for (const now of pixels) {
    area += now;
    if (now !== value) {
      lengths.push(length);
      [length, value] = [0, now];
    }
    length++;
  }
  lengths.push(length);
  return { bytes: Uint32Array.from(lengths).buffer, area };
}

/** Paint on a mask, a byte a pixel, as the kernel does. */
export function paint(
  pixels: Uint8Array,
  stroke: { shape: "brush" | "polygon"; erase: boolean; radius: number; path: number[] },
): void {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext("2d");
  if (!context) return;
  const { path } = stroke;
  context.lineWidth = 2 * stroke.radius;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  for (let i = 0; i < path.length; i += 2) context.lineTo(path[i] as number, path[i + 1] as number);
  if (path.length === 2) context.lineTo((path[0] as number) + 0.01, path[1] as number);
  if (stroke.shape === "polygon") context.fill();
  else context.stroke();
  const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
  for (let p = 0; p < pixels.length; p++)
    if ((data[4 * p + 3] as number) > 127) pixels[p] = +!stroke.erase;
}
