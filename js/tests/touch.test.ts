import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Mounted, type XY } from "./mounted";

let view: Mounted;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  view = new Mounted();
});
afterEach(() => {
  view.close();
  vi.useRealTimers();
});

const touch = (type: string, at: XY, pointerId = 1) =>
  view.point(type, at, { pointerId, pointerType: "touch" });
const clicks = () => view.host.of("click").map((one) => "label" in one && [one.x, one.label]);

test("a tap is a point of the object", () => {
  touch("down", [25, 15]);
  vi.advanceTimersByTime(300);
  touch("up", [25, 15]);
  vi.advanceTimersByTime(2000);
  expect(clicks()).toEqual([[2.5, 1]]);
});

test("a long press is a point outside it, and lifting the finger adds nothing", () => {
  touch("down", [25, 15]);
  touch("move", [28, 16]);
  vi.advanceTimersByTime(500);
  expect(clicks()).toEqual([[2.5, 0]]);
  touch("up", [28, 16]);
  expect(clicks()).toEqual([[2.5, 0]]);
});

test("a finger that moves draws a box, however long it takes", () => {
  touch("down", [15, 5]);
  touch("move", [60, 30]);
  vi.advanceTimersByTime(2000);
  touch("up", [60, 30]);
  expect(clicks()).toEqual([]);
  expect(view.host.of("box")).toHaveLength(1);
});

test("two fingers zoom, and put no point", () => {
  touch("down", [25, 15]);
  touch("down", [55, 15], 2);
  vi.advanceTimersByTime(2000);
  touch("up", [25, 15]);
  touch("up", [55, 15], 2);
  expect(clicks()).toEqual([]);
});

test("a mouse that is held still is no long press", () => {
  view.point("down", [25, 15]);
  vi.advanceTimersByTime(2000);
  view.point("up", [25, 15]);
  expect(clicks()).toEqual([[2.5, 1]]);
});
