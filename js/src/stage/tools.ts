/** What the pointer does on the stage: a group of the toolbar. */

import type { Tool } from "../state/stage-state";
import type { Store } from "../state/store";
import { setSlider, slider } from "../ui/controls";
import { h, type IconName, iconButton, setPressed, setText } from "../ui/dom";

export const TOOLS: { tool: Tool & IconName; label: string; key: string; hint: string }[] = [
  { tool: "positive", label: "Positive point", key: "P", hint: "click; drag for a box" },
  { tool: "negative", label: "Negative point", key: "M", hint: "also right-click or Shift-click" },
  { tool: "box", label: "Box", key: "B", hint: "drag" },
  { tool: "brush", label: "Brush", key: "D", hint: "paint the mask; Shift or right button erases" },
  { tool: "eraser", label: "Eraser", key: "Shift+D", hint: "paint the mask away" },
  {
    ...{ tool: "polygon", label: "Polygon and lasso", key: "G" },
    hint: "click corners or drag around; double-click or Enter closes; Shift erases",
  },
  {
    ...{ tool: "everything", label: "Everything", key: "W" },
    hint: "propose masks for all that is on the frame",
  },
];

/** The slider is for radii of 1 to 200 pixels, finer for small ones. */
const MAX_RADIUS = 200;
const STEPS = 100;

export class Tools {
  readonly element: HTMLElement;
  private readonly buttons: Map<Tool, HTMLButtonElement>;
  private readonly size: HTMLInputElement;
  private readonly sizeText = h("output.number");
  private readonly brush: HTMLElement;

  constructor(private readonly store: Store) {
    this.buttons = new Map(
      TOOLS.map(({ tool, label, key, hint }) => [
        tool,
        iconButton(tool, label, () => store.set("tool", tool), {
          ...{ hint, key },
        }),
      ]),
    );
    const title = "Brush radius: [ and ], or Alt-drag on the stage";
    this.size = slider("Brush radius in pixels", { max: STEPS, step: "any", title }, () =>
      store.set("brush", MAX_RADIUS ** (Number(this.size.value) / STEPS)),
    );
    this.brush = h("label.brush", this.size, this.sizeText);
    this.element = h(
      "div.tools",
      h("div.joined", { group: "Kind of prompt" }, ...this.buttons.values()),
      this.brush,
    );
  }

  update(): void {
    const { tool, brush } = this.store.state;
    for (const [name, button] of this.buttons) setPressed(button, name === tool);
    this.brush.hidden = tool !== "brush" && tool !== "eraser";
    const value = (STEPS * Math.log(Math.max(1, brush))) / Math.log(MAX_RADIUS);
    if (Math.abs(Number(this.size.value) - value) > 1e-6)
      setSlider(this.size, value, Math.min(1, value / STEPS));
    setText(this.sizeText, `${brush < 10 ? brush.toFixed(1) : Math.round(brush)} px`);
  }
}
