import { describe, expect, it } from "vitest";
import { traceContours } from "../src/stage/draw/contours";
import { smoothed } from "../src/stage/draw/mask-path";
import { simplify } from "../src/stage/draw/simplify";
import { boxHandles, draggedBox, hitBox, hitPoint } from "../src/stage/input/prompt-hits";
import { fitScale, type Size, ViewTransform, zoomAt } from "../src/stage/view-transform";
import { boundsOf, covers, FIT, sizeOf, type Zoom } from "../src/state/stage-state";

const IMAGES: Size[] = [
  [640, 360],
  [361, 1024],
  [8, 4],
];
const STAGE: Size = [817.5, 460.25];
const ZOOMS: Zoom[] = [
  FIT,
  { factor: 1.37, x: 0.2, y: 0.9 },
  { factor: 6, x: 0.5, y: 0.5 },
  { factor: 40, x: 0.001, y: 0.999 },
];

describe("the view transform", () => {
  it("goes to the stage and back to the same place, at any zoom", () => {
    for (const image of IMAGES)
      for (const zoom of ZOOMS) {
        const transform = ViewTransform.of(image, STAGE, zoom);
        for (const [x, y] of [
          [0.5, 0.5],
          [image[0] - 0.5, image[1] / 3],
        ] as const) {
          const [backX, backY] = transform.toVideo(...transform.toStage(x, y));
          expect(backX).toBeCloseTo(x, 9);
          expect(backY).toBeCloseTo(y, 9);
        }
      }
  });

  it("shows all of an image when it fits, in the middle", () => {
    const transform = ViewTransform.of([100, 100], [300, 200], FIT);
    const { scale, offsetX, offsetY } = transform;
    expect([scale, offsetX, offsetY]).toEqual([2, 50, 0]);
  });

  it("leaves no empty edge where the image is larger than the stage", () => {
    const transform = ViewTransform.of([100, 50], [200, 100], { factor: 3, x: -4, y: 9 });
    expect(transform.toStage(0, 0)[0]).toBe(0);
    expect(transform.toStage(100, 50)[1]).toBe(100);
  });

  it("zooms about the pointer", () => {
    const image = IMAGES[0] as Size;
    let zoom: Zoom = { factor: 2, x: 0.4, y: 0.6 };
    const place = [300, 220] as [number, number];
    const before = ViewTransform.of(image, STAGE, zoom).toVideo(...place);
    for (const by of [1.25, 1.25, 0.9, 1.5]) zoom = zoomAt(image, STAGE, zoom, place, by);
    const after = ViewTransform.of(image, STAGE, zoom).toVideo(...place);
    expect(Math.hypot(after[0] - before[0], after[1] - before[1])).toBeLessThan(1e-6);
  });

  it("is bounded: never smaller than fits, and a pixel never larger than 48", () => {
    const image = IMAGES[0] as Size;
    expect(zoomAt(image, STAGE, FIT, [1, 1], 0.1).factor).toBe(1);
    const { factor } = zoomAt(image, STAGE, FIT, [1, 1], 1e9);
    expect(factor * fitScale(image, STAGE)).toBeCloseTo(48);
  });
});

describe("an image of a list", () => {
  const video = {
    width: 8,
    height: 4,
    num_frames: 2,
    fps: 0,
    interval_s: 0,
    name: "",
    kind: "images" as const,
    live: null,
    pixel_size: null,
    windowed: false,
  };
  it("has its own size", () => {
    expect(sizeOf({ ...video, sizes: [[8, 4] as Size, [3, 9] as Size] }, 1)).toEqual([3, 9]);
    expect(sizeOf({ ...video, sizes: null }, 1)).toEqual([8, 4]);
  });
});

describe("a box's parts", () => {
  const transform = new ViewTransform(1);
  const box: [number, number, number, number] = [100, 100, 300, 200];
  const hit = (x: number, y: number) => hitBox(box, transform, [640, 360], { x, y }, 12);

  it("are eight handles, the line, and an x beside it", () => {
    expect(boxHandles(box)).toHaveLength(8);
    expect(hit(102, 96)).toEqual({ x: -1, y: -1 });
    expect(hit(305, 150)).toEqual({ x: 1, y: 0 });
    expect(hit(200, 205)).toEqual({ x: 0, y: 1 });
    expect(hit(150, 104)).toBe("line");
    expect(hit(322, 100)).toBe("remove");
    expect(hit(200, 130)).toBeNull();
  });

  it("are at least 24 pixels wide to the pointer", () => {
    for (const by of [-11.9, 11.9]) expect(hit(300 + by, 150)).toEqual({ x: 1, y: 0 });
    expect(hitPoint([[50, 50, 1]], transform, { x: 61.9, y: 50 }, 12)).toBe(0);
    expect(hitPoint([[50, 50, 1]], transform, { x: 62.1, y: 50 }, 12)).toBeNull();
  });

  it("do not crowd a small box", () => {
    expect(boxHandles([0, 0, 30, 30])).toHaveLength(4);
  });

  it("move their sides, turn over, and stay within the image", () => {
    const image: Size = [640, 360];
    expect(draggedBox(box, { x: 1, y: 0 }, 50, 99, image)).toEqual([100, 100, 350, 200]);
    expect(draggedBox(box, { x: -1, y: -1 }, 250, -500, image)).toEqual([300, 0, 350, 200]);
    expect(draggedBox(box, "line", 999, -10, image)).toEqual([440, 90, 640, 190]);
  });
});

describe("a simplified path", () => {
  it("keeps its ends and its corners, and no more", () => {
    const path = [0, 0, 1, 0.1, 2, 0, 3, -0.1, 4, 0, 4, 1, 4, 2];
    expect(simplify(path, 0.4)).toEqual([0, 0, 4, 0, 4, 2]);
    expect(simplify([3.33333, 2], 0.4)).toEqual([3.33, 2]);
  });

  it("stays within the tolerance of a long stroke and is small on the wire", () => {
    const path = Array.from({ length: 4000 }, (_, i) => [i / 10, 50 * Math.sin(i / 300)]).flat();
    const short = simplify(path, 0.4);
    expect(short.length).toBeLessThan(200);
    for (let i = 0; i < path.length; i += 2) {
      const [x, y] = [path[i] as number, path[i + 1] as number];
      const after = Math.max(
        1,
        Array.from({ length: short.length / 2 }, (_, k) => short[2 * k] as number).findIndex(
          (at) => at >= x,
        ),
      );
      const [ax, ay, bx, by] = short.slice(2 * after - 2, 2 * after + 2) as [
        ...[number, number],
        ...[number, number],
      ];
      const onLine = ay + ((by - ay) * (x - ax)) / (bx - ax);
      expect(Math.abs(onLine - y)).toBeLessThan(0.8);
    }
  });

  it("fits into a request however wild it is", () => {
    const path = Array.from({ length: 60000 }, (_, i) => ((i * 7919) % 1000) + (i % 3) / 3);
    expect(simplify(path, 0.4).length).toBeLessThanOrEqual(16000);
  });
});

describe("masks as runs", () => {
  const runs = new Uint32Array([9, 2, 6, 2, 13]); // of 8 x 4: two pixels in rows 1 and 2

  it("say where they are and what they cover", () => {
    expect(boundsOf(runs, 8)).toEqual([1, 1, 3, 3]);
    expect(boundsOf(new Uint32Array([32]), 8)).toBeNull();
    expect(boundsOf(new Uint32Array([7, 2, 23]), 8)).toEqual([0, 0, 8, 2]);
    expect(covers(runs, 8, 1.01, 1.99)).toBe(true);
    expect(covers(runs, 8, 3.01, 1.5)).toBe(false);
    expect(covers(runs, 8, -0.5, 1.5)).toBe(false);
  });

  it("are outlined pixel by pixel when pixels are to be seen", () => {
    const square = new Uint32Array([9, 2, 6, 2, 13]);
    const corners = traceContours(square, 8, true).map((c) => [c.length / 2, ...c]);
    expect(corners).toHaveLength(1);
    const [count, ...xy] = corners[0] as number[];
    expect(count).toBe(4);
    expect([Math.min(...xy), Math.max(...xy)]).toEqual([1, 3]);
  });
});

describe("a smoothed outline", () => {
  const disc = (radius: number) => {
    const size = 2 * radius + 6;
    const runs: number[] = [0];
    let value = 0;
    for (let p = 0; p < size * size; p++) {
      const [x, y] = [(p % size) + 0.5 - size / 2, Math.floor(p / size) + 0.5 - size / 2];
      const now = +(Math.hypot(x, y) <= radius);
      if (now !== value) runs.push(0);
      value = now;
      runs[runs.length - 1] = (runs.at(-1) as number) + 1;
    }
    const [contour] = traceContours(Uint32Array.from(runs), size);
    const off = (path: number[]) => {
      const errors: number[] = [];
      for (let i = 0; i < path.length; i += 2)
        errors.push(
          Math.hypot((path[i] as number) - size / 2, (path[i + 1] as number) - size / 2) - radius,
        );
      return Math.max(...errors) - Math.min(...errors);
    };
    return { contour: contour as number[], off };
  };

  it("is rounder than the pixels it goes around, and where they are", () => {
    const { contour, off } = disc(40);
    expect(off(smoothed(contour))).toBeLessThan(0.75 * off(contour));
    expect(off(smoothed(contour))).toBeLessThan(0.7);
  });

  it("leaves what is very small as it is", () => {
    const { contour } = disc(1);
    expect(smoothed(contour)).toEqual(contour);
  });
});
