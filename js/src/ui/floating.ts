/** What floats beside a control: above all else, as a cell may cut off what leaves it. */

/** In CSS pixels. */
const GAP = 6;
const EDGE = 4;

/** An element, or a place. */
export type Anchor = Pick<Element, "getBoundingClientRect">;

export type Align = "start" | "middle" | "end";
export type Side = "below" | "above";

/** Show an element above the page, below its anchor, or on the other side where there is no room. */
export function showFloating(
  element: HTMLElement,
  anchor: Anchor,
  align: Align,
  side: Side = "below",
): void {
  element.hidden = false;
  element.popover = "manual";
  if (element.isConnected && !isOpen(element)) element.showPopover?.();
  placeFloating(element, anchor, align, side);
}

export function hideFloating(element: HTMLElement): void {
  if (isOpen(element)) element.hidePopover?.();
  element.hidden = true;
}

/** Put it where it belongs, inside the window. */
export function placeFloating(
  element: HTMLElement,
  anchor: Anchor,
  align: Align,
  side: Side = "below",
): void {
  const at = anchor.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const wanted = {
    start: at.left,
    middle: at.left + (at.width - width) / 2,
    end: at.right - width,
  }[align];
  const left = Math.max(EDGE, Math.min(wanted, clientWidth - EDGE - width));
  const below = at.bottom + GAP;
  const above = at.top - GAP - height;
  const fitsBelow = below + height <= clientHeight - EDGE;
  const top = (side === "above" || !fitsBelow) && above >= EDGE ? above : below;
  // Where a browser has no top layer, the widget is what "fixed" is relative to.
  const origin = isOpen(element) ? undefined : element.closest(".sam2widget");
  const { left: x = 0, top: y = 0 } = origin?.getBoundingClientRect() ?? {};
  element.style.left = `${Math.round(left - x)}px`;
  element.style.top = `${Math.round(top - y)}px`;
}

function isOpen(element: HTMLElement): boolean {
  try {
    return element.matches(":popover-open");
  } catch {
    return false; // a browser that does not know the selector
  }
}
