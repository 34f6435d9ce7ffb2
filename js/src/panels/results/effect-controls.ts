/** Which effect the stage shows and exports write. A part of the menu of results. */

import type { ResultsClient } from "../../kernel/results";
import { asBackground } from "../../stage/draw/still";
import { type Effect, type EffectName, hasStrength } from "../../state/results-state";
import type { Store } from "../../state/store";
import { setSlider, setting, slider, textButton, toggle } from "../../ui/controls";
import { h, setText } from "../../ui/dom";

const EFFECTS: [EffectName, string, string][] = [
  ["overlay", "Masks", "Objects tinted and outlined"],
  ["cutout", "Cut-out", "Nothing but the objects, on a transparent background"],
  ["blur", "Blur background", "Sharp objects before a blurred background"],
  ["spotlight", "Spotlight", "All but the objects darkened"],
  ["outline", "Outline", "A line around the objects, in their colours"],
  ["background", "Other background", "The objects on a colour or a picture"],
];

export function nameOfEffect(effect: EffectName): string {
  return EFFECTS.find(([name]) => name === effect)?.[1] ?? effect;
}

export class EffectControls {
  readonly element: HTMLElement;
  readonly select: HTMLSelectElement;
  private readonly about = h("p.hint");
  private readonly strength: HTMLInputElement;
  private readonly strengthText = h("output.number");
  private readonly only: HTMLInputElement;
  private readonly color: HTMLInputElement;
  private readonly file: HTMLInputElement;
  private readonly pictureName = h("span.hint");
  private readonly rows: Record<"strength" | "only" | "background", HTMLElement>;

  constructor(
    private readonly store: Store,
    private readonly client: ResultsClient,
  ) {
    this.select = h(
      "select",
      {
        label: "Effect",
        change: () => this.change({ name: this.select.value as EffectName }),
      },
      ...EFFECTS.map(([name, text]) => h("option", { value: name }, text)),
    );
    this.strength = slider("Strength of the effect", { min: 0, max: 1, step: 0.05 }, () => {
      const { effect } = store.state;
      const strengths = { ...effect.strengths, [effect.name]: Number(this.strength.value) };
      this.change({ strengths });
    });
    this.only = toggle(() => this.change({ selectedOnly: this.only.checked }));
    this.color = h("input.color", {
      ...{ type: "color", label: "Colour of the background" },
      input: () => this.change({ color: this.color.value, picture: null }),
    });
    this.file = h("input", {
      ...{ type: "file", accept: "image/*", hidden: true, label: "Background picture file" },
      change: () => void this.choosePicture(),
    });
    const picture = textButton("Picture…", () => this.file.click());
    this.rows = {
      strength: setting("Strength", h("span.slider", this.strength, this.strengthText)),
      only: setting("Selected object only", this.only),
      background: h(
        "div.setting",
        h("span", "Background"),
        this.pictureName,
        this.color,
        picture,
        this.file,
      ),
    };
    this.element = h(
      "div.section",
      { group: "Effects" },
      setting("Effect", this.select),
      this.about,
      this.rows.strength,
      this.rows.background,
      this.rows.only,
    );
  }

  update(): void {
    const { effect } = this.store.state;
    const { name } = effect;
    this.select.value = name;
    setText(this.about, EFFECTS.find(([one]) => one === name)?.[2] ?? "");
    this.rows.strength.hidden = !hasStrength(name);
    if (hasStrength(name)) {
      const strength = effect.strengths[name];
      setSlider(this.strength, strength);
      setText(this.strengthText, `${Math.round(100 * strength)}%`);
    }
    this.rows.background.hidden = name !== "background";
    this.color.value = effect.color;
    setText(this.pictureName, effect.picture ? "a picture" : "");
    this.only.checked = effect.selectedOnly;
  }

  private change(effect: Partial<Effect>): void {
    this.store.set("effect", { ...this.store.state.effect, ...effect });
  }

  private async choosePicture(): Promise<void> {
    const [file] = this.file.files ?? [];
    this.file.value = ""; // the same file may be chosen again
    if (!file) return;
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture) {
      this.store.set("error", `The browser cannot read ${file.name} as a picture.`);
      return;
    }
    const { width, height } = this.store.state.video;
    const error = await this.client.setBackground(await asBackground(picture, width, height));
    if (error) this.store.set("error", error);
    else this.change({ picture });
  }
}
