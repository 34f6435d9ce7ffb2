/** How values become colours: a window, a gamma and a colour for each channel. */

import type { Client } from "../kernel/client";
import type { ChannelEntry } from "../kernel/protocol";
import type { Levels } from "../state/stage-state";
import type { Store } from "../state/store";
import { setSlider, setting, slider, toggle } from "../ui/controls";
import { h, on, setLabel, setPressed, setText } from "../ui/dom";
import { svg } from "../ui/icons";

/** Of the slider of gamma, which goes by its logarithm: from a tenth to ten. */
const GAMMA_DECADES = 1;
/** Steps of a slider over values that are no whole numbers. */
const STEPS = 1000;
/** In bins and levels of the histogram. */
const [BINS, HEIGHT] = [64, 40];

type Bound = "low" | "high";

export class ContrastControls {
  readonly element: HTMLElement;
  private readonly auto: HTMLButtonElement;
  private readonly histogram: SVGSVGElement;
  private readonly which: HTMLSelectElement;
  private readonly bounds: Record<Bound, [HTMLInputElement, HTMLInputElement]>;
  private readonly gamma: HTMLInputElement;
  private readonly gammaText = h("output.number");
  private readonly color: HTMLInputElement;
  private readonly visible: HTMLInputElement;
  private readonly ofOne: HTMLElement;
  /** What the kernel said last, and that with what a person has changed since. */
  private told: Levels | null = null;
  private shown: Levels | null = null;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.auto = h(
      "button.button.wide.auto",
      {
        title: "Choose the contrast by the values of the video",
        click: () => client.setContrast(null),
      },
      "Auto",
    );
    this.histogram = svg("svg", {
      ...{ viewBox: `0 0 ${BINS} ${HEIGHT}`, preserveAspectRatio: "none" },
      ...{ class: "s2w-histogram", role: "img" },
    });
    this.which = h("select.which", { label: "Channel" });
    on(this.which, "change", () => this.draw());
    this.bounds = { low: this.bound("low", "Minimum"), high: this.bound("high", "Maximum") };
    this.gamma = slider("Gamma", { min: -GAMMA_DECADES, max: GAMMA_DECADES, step: 0.02 }, () =>
      this.change({ gamma: 10 ** Number(this.gamma.value) }),
    );
    this.color = h("input.color", {
      ...{ type: "color", label: "Colour of the channel" },
      input: () => this.change({ color: this.color.value }),
    });
    this.visible = toggle(() => this.change({ visible: this.visible.checked }), "Show the channel");
    this.ofOne = h("div.setting", h("span", "Colour"), ...[this.color, this.visible]);
    this.element = h(
      "div.contrast",
      { group: "Contrast", hidden: true },
      h("div.setting", h("span", "Contrast"), this.auto),
      this.which,
      this.histogram,
      setting("Min", ...this.bounds.low),
      setting("Max", ...this.bounds.high),
      setting("Gamma", this.gamma, this.gammaText),
      this.ofOne,
    );
    // The view has uses of its own for arrows, digits and the space bar.
    on(this.element, "keydown", (event) => {
      if (event.key !== "Escape") event.stopPropagation();
    });
  }

  /** Show what is current, and ask for what is not known; to be called while it is to be seen. */
  update(): void {
    this.client.wantLevels();
    const { levels } = this.store.state;
    if (levels === this.told || !levels) return;
    this.told = this.shown = levels;
    this.element.hidden = false;
    const names = levels.channels.map((_, n) => `Channel ${n + 1}`);
    const options = names.length > 1 ? ["All channels", ...names] : names;
    if (options.length !== this.which.options.length)
      this.which.replaceChildren(...options.map((name, n) => h("option", { value: n }, name)));
    this.which.hidden = names.length === 1;
    this.draw();
  }

  /** Index of the channel that is changed; null for all. */
  private get chosen(): number | null {
    if (this.shown?.channels.length === 1) return 0;
    return this.which.selectedIndex > 0 ? this.which.selectedIndex - 1 : null;
  }

  private draw(): void {
    const levels = this.shown;
    if (!levels) return;
    const { chosen } = this;
    const channel = levels.channels[chosen ?? 0] as ChannelEntry;
    const [low, high] = this.ends(levels);
    const step = levels.whole ? 1 : (high - low) / STEPS;
    for (const bound of ["low", "high"] as const) {
      const [range, number] = this.bounds[bound];
      Object.assign(range, { min: String(low), max: String(high), step: String(step) });
      const share = (channel[bound] - low) / (high - low);
      setSlider(range, channel[bound], Math.max(0, Math.min(1, share)));
      number.step = levels.whole ? "1" : "any";
      // What is being typed is not to be changed.
      if (number !== document.activeElement) number.value = short(channel[bound]);
    }
    const gamma = Math.log10(channel.gamma);
    setSlider(this.gamma, gamma, (gamma + GAMMA_DECADES) / (2 * GAMMA_DECADES));
    setText(this.gammaText, channel.gamma.toFixed(2));
    this.ofOne.hidden = chosen === null;
    this.color.value = channel.color;
    this.visible.checked = channel.visible;
    setPressed(this.auto, levels.automatic);
    this.drawHistogram(levels, low, high);
  }

  private drawHistogram(levels: Levels, low: number, high: number): void {
    const { chosen } = this;
    const at = (value: number) => (BINS * (value - low)) / (high - low);
    const parts: SVGElement[] = [];
    levels.bins.forEach((bins, n) => {
      const channel = levels.channels[n] as ChannelEntry;
      if (chosen === null ? !channel.visible : n !== chosen) return;
      const [first, last] = [levels.low[n] as number, levels.high[n] as number];
      const wide = (last - first) / bins.length;
      let path = `M${at(first)} ${HEIGHT}`;
      bins.forEach((count, bin) => {
        const y = HEIGHT * (1 - count / 255);
        path += `L${at(first + bin * wide)} ${y}L${at(first + (bin + 1) * wide)} ${y}`;
      });
      const fill = channel.color === "#ffffff" ? "currentColor" : channel.color;
      parts.push(svg("path", { d: `${path}L${at(last)} ${HEIGHT}z`, fill, opacity: ".55" }));
    });
    const shown = levels.channels[chosen ?? 0] as ChannelEntry;
    for (const value of [shown.low, shown.high])
      parts.push(svg("path", { d: `M${at(value)} 0V${HEIGHT}`, class: "s2w-bound" }));
    this.histogram.replaceChildren(...parts);
    const label = `Values from ${short(low)} to ${short(high)}, shown from ${short(shown.low)} to ${short(shown.high)}`;
    setLabel(this.histogram, label);
  }

  /** From where to where the histogram and the sliders go. */
  private ends(levels: Levels): [number, number] {
    const { chosen } = this;
    const [lows, highs] = [levels.low, levels.high];
    if (chosen !== null) return [lows[chosen] as number, highs[chosen] as number];
    return [Math.min(...lows), Math.max(...highs)];
  }

  private bound(bound: Bound, label: string): [HTMLInputElement, HTMLInputElement] {
    const set = (text: string) => {
      const value = Number(text);
      if (text.trim() === "" || !Number.isFinite(value)) return;
      const channel = this.shown?.channels[this.chosen ?? 0];
      if (!channel) return;
      // The other end gives way, so that there is always a window.
      const gap = this.shown?.whole ? 1 : Math.abs(channel.high - channel.low) * 1e-3;
      const other =
        bound === "low"
          ? { high: Math.max(channel.high, value + gap) }
          : { low: Math.min(channel.low, value - gap) };
      this.change({ ...other, [bound]: value });
    };
    const range = slider(`${label} shown`, {}, () => set(range.value));
    const number = h("input.value", {
      ...{ type: "number", label: `${label} shown, as a number` },
      change: () => set(number.value),
    });
    return [range, number];
  }

  private change(values: Partial<ChannelEntry>): void {
    const { shown, chosen } = this;
    if (!shown) return;
    const channels = shown.channels.map((channel, n) =>
      chosen === null || n === chosen ? { ...channel, ...values } : channel,
    );
    this.client.setContrast(channels);
    this.shown = { ...shown, channels, automatic: false };
    this.draw();
  }
}

/** A number in few characters. */
function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}
