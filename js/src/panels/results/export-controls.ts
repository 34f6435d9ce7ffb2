/** Exports to a place on the kernel's machine, or into the browser's downloads. */

import type { FormatEntry, OptionEntry, OptionValue } from "../../kernel/protocol";
import type { ResultsClient } from "../../kernel/results";
import { hasStrength } from "../../state/results-state";
import type { Store } from "../../state/store";
import { setting, textButton, toggle } from "../../ui/controls";
import { focusOn, h, iconButton, setText } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";

export class ExportControls {
  readonly element: HTMLElement;
  private readonly format: HTMLSelectElement;
  private readonly about = h("p.hint");
  private readonly options = h("div.options");
  private readonly path: HTMLInputElement;
  private readonly write: HTMLButtonElement;
  private readonly download: HTMLButtonElement;
  private readonly form: HTMLElement;
  private readonly bar = h("progress", { max: 1, label: "Export" });
  private readonly pace = h("span.export-pace");
  private readonly cancel: HTMLButtonElement;
  private readonly progress: HTMLElement;
  private readonly question = h("span");
  private readonly exists: HTMLElement;
  private readonly other: HTMLButtonElement;
  private readonly said = h("div.said", { role: "status" });
  /** What a person wrote in place of the suggested path. */
  private isOwnPath = false;
  private suggested = "";
  /** As it was when the place was suggested. */
  private effect = "";
  private shown: FormatEntry | null = null;
  private inputs = new Map<string, HTMLInputElement | HTMLSelectElement>();

  constructor(
    private readonly store: Store,
    private readonly client: ResultsClient,
  ) {
    this.format = h("select", { label: "Format", change: () => this.showFormat() });
    this.path = h("input.path", {
      ...{ type: "text", spellcheck: "false", autocomplete: "off" },
      label: "Where the export goes",
      input: () => {
        this.isOwnPath = true;
      },
      keydown: (event: KeyboardEvent) => {
        if (event.key === "Enter") this.start(false);
      },
    });
    this.write = textButton("Export", () => this.start(false));
    this.download = textButton("Download", () => this.start(true));
    setTip(this.download, "Into the downloads of this browser; a folder comes as a zip file");
    setTip(this.write, "To this place on the machine that the kernel runs on");
    (isRemote() ? this.download : this.write).classList.add("s2w-accented");
    this.form = h(
      "div",
      setting("Format", this.format),
      this.about,
      this.options,
      setting("To", this.path),
      h("div.actions", this.write, this.download),
    );
    this.cancel = iconButton("stop", "Cancel export", () => client.cancel(), { text: "Cancel" });
    this.progress = h("div.running", this.bar, this.pace, this.cancel);
    this.other = textButton("", () => this.again(false));
    this.exists = h(
      "div.confirm",
      { role: "alertdialog", label: "Replace?" },
      this.question,
      h(
        "div.actions",
        this.other,
        textButton("Replace", () => this.again(true)),
        textButton("Leave it", () => {
          client.dismiss();
          this.path.focus();
        }),
      ),
    );
    this.element = h(
      "div.section",
      { group: "Export" },
      ...[this.form, this.exists, this.progress, this.said],
    );
  }

  update(): void {
    const { results, objects, effect } = this.store.state;
    const { formats, running, exists, said } = results;
    const focused = document.activeElement;
    const hadFocus = this.element.contains(focused);
    if (formats) this.fill(formats.formats);
    if (effect.name !== this.effect && this.path.value === this.suggested) this.suggest();
    this.effect = effect.name;
    this.form.inert = running !== null || exists !== null;
    const nothing = objects.length === 0 || !formats;
    this.write.disabled = this.download.disabled = nothing;
    this.progress.hidden = running === null;
    if (running) {
      if (running.share === null) this.bar.removeAttribute("value");
      else this.bar.value = running.share;
      setText(this.pace, running.text);
    }
    this.exists.hidden = exists === null;
    if (exists) {
      setText(this.question, exists.text);
      setText(this.other, `Write ${exists.other.split(/[\\/]/).at(-1)}`);
      setTip(this.other, exists.other);
    }
    // What has the focus may go, and the keys would go with it.
    const shown = running ? this.progress : exists ? this.exists : this.form;
    if (hadFocus && !shown.contains(focused))
      focusOn(running ? this.cancel : exists ? this.other : this.write);
    const text = said?.text ?? (formats && objects.length === 0 ? "There are no masks yet." : "");
    setText(this.said, text);
    this.said.hidden = text === "" || running !== null;
    this.said.dataset.failed = String(said?.failed ?? false);
    const warns = effect.name === "cutout" && ["mp4", "gif"].includes(this.format.value);
    const about = this.shown?.description ?? "";
    const opaque = "This format is not transparent: take WebM, MOV, WebP or PNG for a cut-out.";
    setText(this.about, warns ? opaque : about);
  }

  private fill(formats: FormatEntry[]): void {
    const names = formats.map(({ name }) => name);
    const known = [...this.format.options].map(({ value }) => value);
    if (names.join() !== known.join()) {
      const chosen = this.format.value;
      this.format.replaceChildren(...formats.map(({ name }) => h("option", { value: name }, name)));
      const { kind } = this.store.state.video;
      const first = chosen || (kind === "video" ? "mp4" : "coco");
      this.format.value = names.includes(first) ? first : (names[0] ?? "");
      this.showFormat();
    }
  }

  private showFormat(): void {
    const { formats } = this.store.state.results;
    const entry = formats?.formats.find(({ name }) => name === this.format.value);
    if (!formats || !entry) return;
    this.shown = entry;
    this.suggest();
    this.inputs = new Map(entry.options.map((option) => [option.name, inputOf(option)]));
    this.options.replaceChildren(
      ...entry.options.map((option) => {
        const input = this.inputs.get(option.name) as HTMLElement;
        const label = setting(option.name, input);
        setTip(label, option.description);
        return label;
      }),
    );
    this.store.touch("results");
  }

  /** Suggest a place, in the folder that a person has chosen. */
  private suggest(): void {
    const { results, effect } = this.store.state;
    const { formats } = results;
    if (!formats || !this.shown) return;
    const { file, effects } = this.shown;
    const name = effects ? file.replace(/-(overlay|cutout)(?=\.|$)/, `-${effect.name}`) : file;
    const slash = formats.folder.includes("\\") ? "\\" : "/";
    const folder = `${formats.folder.replace(/[\\/]$/, "")}${slash}`;
    this.path.value = (this.isOwnPath ? folderOf(this.path.value) : folder) + name;
    this.suggested = this.path.value;
  }

  private start(download: boolean): void {
    if (!this.shown || this.write.disabled) return;
    this.client.export({
      format: this.shown.name,
      path: this.path.value,
      options: [...this.ownOptions(), ...(this.shown.effects ? this.effectOptions() : [])],
      replace: false,
      download,
    });
  }

  /** Export what was asked about in place of what is there, or beside it. */
  private again(replace: boolean): void {
    const { exists } = this.store.state.results;
    if (!exists) return;
    const { type: _, ...request } = exists.request;
    const path = replace ? request.path : exists.other;
    this.path.value = path;
    this.client.export({ ...request, path, replace });
  }

  private ownOptions(): OptionValue[] {
    const found: OptionValue[] = [];
    for (const option of this.shown?.options ?? []) {
      const input = this.inputs.get(option.name);
      if (!input) continue;
      const value =
        option.kind === "flag" ? String((input as HTMLInputElement).checked) : input.value;
      if (value !== option.default) found.push({ name: option.name, value });
    }
    return found;
  }

  private effectOptions(): OptionValue[] {
    const { effect, selected } = this.store.state;
    const { name, strengths, picture, color } = effect;
    const found = [{ name: "effect", value: name as string }];
    if (effect.selectedOnly) found.push({ name: "objects", value: String(selected) });
    if (hasStrength(name)) found.push({ name: "strength", value: String(strengths[name]) });
    if (name === "background")
      found.push({ name: "background", value: picture ? "picture" : color });
    return found;
  }
}

function inputOf(option: OptionEntry): HTMLInputElement | HTMLSelectElement {
  const named = { label: option.name };
  switch (option.kind) {
    case "flag": {
      const input = toggle(() => {}, option.name);
      input.checked = option.default === "true";
      return input;
    }
    case "choice": {
      const select = h("select", named, ...option.choices.map((one) => h("option", one)));
      select.value = option.default;
      return select;
    }
    default: {
      const input = h("input.value", { ...named, type: "text" });
      if (option.kind === "number") input.inputMode = "decimal";
      input.value = option.default;
      return input;
    }
  }
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

/** Whether the kernel is probably on another machine than this browser. */
function isRemote(): boolean {
  return !/^(localhost|127\..*|\[::1\]|)$/.test(location.hostname);
}
