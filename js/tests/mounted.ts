import { vi } from "vitest";
import type { Traits } from "../src/state/store";
import { mount } from "../src/view";
import { FakeHost } from "./fake-host";

vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 8, height: 4, close: () => {} }));
vi.stubGlobal(
  "IntersectionObserver",
  class {
    observe() {}
    disconnect() {}
  },
);

export type XY = [number, number];

/** A view on a page, with hands: its stage shows 8 x 4 pixels in 80 x 40 CSS pixels. */
export class Mounted {
  readonly host = new FakeHost();
  readonly element = document.createElement("div");
  readonly unmount: () => void;

  constructor(width = 80, height = 40, answers = false, traits: Partial<Traits> = {}) {
    this.host.answers = answers;
    this.host.change(traits);
    document.body.append(this.element);
    this.unmount = mount(this.element, this.host);
    this.stage.getBoundingClientRect = () => new DOMRect(0, 0, width, height);
    this.host.sent = [];
    this.host.written = [];
  }

  close(): void {
    this.unmount();
    this.element.remove();
  }

  get stage(): HTMLCanvasElement {
    return this.element.querySelector('[data-role="stage"]') as HTMLCanvasElement;
  }

  button(name: string): HTMLButtonElement {
    return this.element.querySelector(`[aria-label="${name}"]`) as HTMLButtonElement;
  }

  point(type: string, [clientX, clientY]: XY, init: PointerEventInit = {}): void {
    const event = { clientX, clientY, pointerId: 1, button: 0, ...init };
    this.stage.dispatchEvent(new PointerEvent(`pointer${type}`, event));
  }

  /** Press at the first place, move through the others and release at the last. */
  gesture(path: XY[], init: PointerEventInit = {}): void {
    this.point("down", path[0] as XY, init);
    for (const place of path.slice(1)) this.point("move", place, init);
    this.point("up", path.at(-1) as XY, init);
  }

  press(key: string, init: KeyboardEventInit = {}): KeyboardEvent {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
    this.stage.dispatchEvent(event);
    return event;
  }

  wheel(deltaY: number, at: XY, init: WheelEventInit = {}): WheelEvent {
    const [clientX, clientY] = at;
    const event = new WheelEvent("wheel", { deltaY, cancelable: true, clientX, clientY, ...init });
    // happy-dom does not take these from the init of a wheel event
    for (const [name, value] of Object.entries({ clientX, clientY, ...init }))
      Object.defineProperty(event, name, { value });
    this.stage.dispatchEvent(event);
    return event;
  }

  /** What a click at a place of the stage means in pixels of the image. */
  clicked(place: XY): XY {
    this.gesture([place]);
    const last = this.host.of("click").at(-1);
    return last?.type === "click" ? [last.x, last.y] : [Number.NaN, Number.NaN];
  }
}
