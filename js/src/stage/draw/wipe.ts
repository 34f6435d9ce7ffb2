/** A divider to compare with: no masks to its left, masks to its right. */

import type { Store } from "../../state/store";
import { take } from "../../ui/controls";
import { h } from "../../ui/dom";

const KEY_STEP = 0.02;

export class Wipe {
  readonly element: HTMLElement;

  constructor(private readonly store: Store) {
    const element = h(
      "div.wipe",
      {
        role: "slider",
        tabindex: "0",
        label: "Without masks to the left, with masks to the right",
        "aria-orientation": "horizontal",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        title: "Drag to compare the frame without and with masks",
        pointerdown: (event: PointerEvent) => {
          element.setPointerCapture?.(event.pointerId);
          event.preventDefault();
          element.focus();
        },
        pointermove: (event: PointerEvent) => {
          if (event.buttons !== 0) this.dragTo(event.clientX);
        },
        keydown: (event: KeyboardEvent) => this.key(event),
      },
      h("span", { "aria-hidden": "true" }),
    );
    this.element = element;
  }

  update(): void {
    const { wipe } = this.store.state.display;
    this.element.hidden = wipe === null;
    if (wipe === null) return;
    this.element.style.left = `${100 * wipe}%`;
    this.element.setAttribute("aria-valuenow", String(Math.round(100 * wipe)));
  }

  private dragTo(clientX: number): void {
    const bounds = this.element.parentElement?.getBoundingClientRect();
    if (bounds && bounds.width > 0) this.set((clientX - bounds.left) / bounds.width);
  }

  private key(event: KeyboardEvent): void {
    const by = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
    if (by === undefined) return;
    this.set((this.store.state.display.wipe ?? 0.5) + by);
    take(event);
  }

  private set(wipe: number): void {
    const { display } = this.store.state;
    this.store.set("display", { ...display, wipe: Math.max(0, Math.min(1, wipe)) });
  }
}
