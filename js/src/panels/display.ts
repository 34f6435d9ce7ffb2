/** How the stage shows things: zoom, opacity, comparison, previews. A group of the toolbar. */

import type { Client } from "../kernel/client";
import { showsScaleBar } from "../stage/scale-bar";
import type { Viewport } from "../stage/viewport";
import { DEFAULT_DISPLAY, type Display } from "../state/stage-state";
import type { Store } from "../state/store";
import { setSlider, setting, slider, toggle } from "../ui/controls";
import { h, iconButton, setLabel, setPressed, setText } from "../ui/dom";
import { Popover } from "../ui/popover";
import { setTip } from "../ui/tooltip";
import { ContrastControls } from "./contrast";
import { MaskControls } from "./mask-controls";

const ZOOM_STEP = 1.5;
const KEPT_AS = "sam2widget.display";

/** Change settings, and remember those that are a person's taste. */
export function changeDisplay(store: Store, change: Partial<Display>): void {
  const display = { ...store.state.display, ...change };
  store.set("display", display);
  const { masksOnly: _, wipe: __, ...taste } = display;
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(taste));
  } catch {
    // A page that may keep nothing: the settings live as long as the view.
  }
}

/** The settings as they were left. */
export function rememberedDisplay(): Display {
  try {
    return { ...DEFAULT_DISPLAY, ...JSON.parse(localStorage.getItem(KEPT_AS) ?? "{}") };
  } catch {
    return DEFAULT_DISPLAY;
  }
}

export class DisplayControls {
  readonly element: HTMLElement;
  private readonly zoomOut: HTMLButtonElement;
  private readonly zoomIn: HTMLButtonElement;
  private readonly percent: HTMLButtonElement;
  private readonly hover: HTMLButtonElement;
  private readonly wipe: HTMLButtonElement;
  private readonly popover: Popover;
  private readonly contrast: ContrastControls;
  private readonly masks: MaskControls;
  private readonly opacity: HTMLInputElement;
  private readonly opacityText = h("output.number");
  private readonly switches: [keyof Display, HTMLInputElement][];
  /** Buttons of the row, where that is too narrow for them. */
  private readonly hoverSwitch: HTMLInputElement;
  private readonly wipeSwitch: HTMLInputElement;

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
    private readonly client: Client,
  ) {
    const { hovering } = client;
    this.contrast = new ContrastControls(store, client);
    this.masks = new MaskControls(store, client);
    const change = (values: Partial<Display>) => changeDisplay(store, values);
    this.zoomOut = iconButton("zoomOut", "Zoom out", () => viewport.zoomBy(1 / ZOOM_STEP), {
      ...{ hint: "or the wheel: with Ctrl, or plain once the stage was clicked", key: "-" },
    });
    this.zoomIn = iconButton("zoomIn", "Zoom in", () => viewport.zoomBy(ZOOM_STEP), {
      ...{ hint: "or the wheel: with Ctrl, or plain once the stage was clicked", key: "+" },
    });
    this.percent = h("button.button.percent", {
      click: () => (viewport.zoomed ? viewport.fit() : viewport.actual()),
    });
    this.hover = iconButton("hover", "Preview", () => change({ hover: !hovering.on }), {
      ...{ hint: "the mask under the pointer before a click", key: "H" },
    });
    this.wipe = iconButton(
      "wipe",
      "Compare",
      () => change({ wipe: store.state.display.wipe === null ? 0.5 : null }),
      { hint: "without and with masks", key: "\\" },
    );
    this.opacity = slider("Opacity of masks", { max: 1, step: 0.01 }, () =>
      change({ opacity: Number(this.opacity.value), fill: true }),
    );
    this.hoverSwitch = toggle(() => this.hover.click());
    this.wipeSwitch = toggle(() => this.wipe.click());
    this.switches = [
      this.switch("fill", "Fill"),
      this.switch("outline", "Outline"),
      this.switch("masksOnly", "Masks only"),
      this.switch("labels", "Names on masks", "Ids and names, from two objects on (Shift+N)"),
      this.switch("minimap", "Minimap", "All of the frame in a corner, when zoomed (Shift+Z)"),
      this.switch("scaleBar", "Scale bar", "In pixels, or in the unit of pixel_size= (Shift+R)"),
    ];
    const options = {
      ...({ icon: "display", label: "Display" } as const),
      hint: "opacity, outline, names, minimap, scale bar, clean masks, overlaps, contrast",
      onOpen: () => this.contrast.update(),
    };
    this.popover = new Popover(options, [
      setting("Opacity", this.opacity, this.opacityText),
      ...this.switches.map(([, input]) => input.parentElement as HTMLElement),
      narrowSetting("Preview the mask under the pointer", this.hoverSwitch),
      narrowSetting("Compare without and with masks", this.wipeSwitch),
      this.masks.element,
      this.contrast.element,
    ]);
    this.popover.panel.classList.add("s2w-panel");
    this.element = h(
      "div.display",
      h("div.joined", { group: "Zoom" }, ...[this.zoomOut, this.percent, this.zoomIn]),
      h("div.joined", { group: "View" }, ...[this.hover, this.wipe, this.popover.element]),
    );
  }

  update(): void {
    const { display, video } = this.store.state;
    const { zoomed } = this.viewport;
    this.zoomOut.disabled = !zoomed;
    const scale = video.width > 0 ? this.viewport.transform.scale : 0;
    const percent = scale > 0 ? `${Math.round(100 * scale)}%` : "Fit";
    const does = zoomed ? "Fit to the stage" : "Actual pixels";
    setText(this.percent, percent);
    setLabel(this.percent, `Zoom ${percent}. ${does}`);
    setTip(this.percent, zoomed ? `${does}, or double-click the stage` : does, zoomed ? "0" : "");
    setPressed(this.hover, this.client.hovering.on);
    setPressed(this.wipe, display.wipe !== null);
    this.hoverSwitch.checked = this.client.hovering.on;
    this.wipeSwitch.checked = display.wipe !== null;
    setSlider(this.opacity, display.opacity);
    setText(this.opacityText, `${Math.round(100 * display.opacity)}%`);
    for (const [name, input] of this.switches)
      input.checked = name === "scaleBar" ? showsScaleBar(this.store) : display[name] === true;
    this.masks.update();
  }

  /** Bring the contrast up to date, where it is to be seen. */
  updateContrast(): void {
    if (!this.popover.opened) return;
    const wasHidden = this.contrast.element.hidden;
    this.contrast.update();
    if (wasHidden) this.popover.place(); // it may have got larger
  }

  close(): void {
    this.popover.close();
  }

  private switch(
    name: "fill" | "outline" | "masksOnly" | "labels" | "minimap" | "scaleBar",
    label: string,
    tip = "",
  ): [typeof name, HTMLInputElement] {
    const input = toggle(() => changeDisplay(this.store, { [name]: input.checked }));
    const row = setting(label, input);
    if (tip) setTip(row, tip);
    return [name, input];
  }
}

function narrowSetting(label: string, input: HTMLInputElement): HTMLElement {
  const row = setting(label, input);
  row.classList.add("s2w-when-narrow");
  return row;
}
