/** Controls of panels, and pointers that drag along something. */

import { h, on, setVar } from "./dom";
import { setTip } from "./tooltip";

export function toggle(change: () => void, label = ""): HTMLInputElement {
  return h("input.switch", {
    ...{ type: "checkbox", role: "switch" },
    ...(label && { label }),
    change,
  });
}

/** A row of a panel with a control, or several, and its name. */
export function setting(label: string, ...controls: Node[]): HTMLElement {
  return h("label.setting", h("span", label), ...controls);
}

/** A slider that is filled up to where it is. */
export function slider(
  label: string,
  props: Record<string, string | number>,
  input: () => void,
): HTMLInputElement {
  return h("input.range", { type: "range", label, ...props, input });
}

/** Put a slider to a value, which is a share of all that it goes through. */
export function setSlider(element: HTMLInputElement, value: number, share = value): void {
  element.value = String(value);
  setVar(element, "share", share);
}

/** A button of a panel, with a word. */
export function textButton(text: string, click: () => void, hint = ""): HTMLButtonElement {
  const made = h("button.button.plain", { click }, text);
  setTip(made, hint);
  return made;
}

/** Call `drag` where the pointer is pressed, and on its way until it is released. */
export function onDrag(element: HTMLElement, drag: (event: PointerEvent) => void): void {
  on(element, "pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture?.(event.pointerId);
    drag(event);
  });
  on(element, "pointermove", (event) => {
    if (event.buttons & 1) drag(event);
  });
}

/** An event has been dealt with: it is neither the browser's nor the notebook's. */
export function take(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}
