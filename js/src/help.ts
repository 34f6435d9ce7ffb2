/** Every key, and what the lanes' marks mean, over the view. */

import { h, iconButton } from "./dom";
import { type Command, shown } from "./keys";

const LEGEND: [string, string][] = [
  ["tracked", "Tracked; the paler, the less certain"],
  ["stale", "Out of date since a correction"],
  ["prompted", "Prompted by you"],
  ["accepted", "Accepted"],
  ["rejected", "Rejected"],
  ["absent", "Judged not to be in the picture"],
];

export class Help {
  readonly element: HTMLDialogElement;

  constructor(commands: () => Command[]) {
    const body = h("div", { class: "s2w-help-body" });
    this.element = h(
      "dialog",
      { class: "s2w-help", "aria-label": "Keys" },
      h(
        "header",
        {},
        h("h3", {}, "Keys"),
        iconButton("remove", "Close", () => this.element.close(), { hint: "Esc" }),
      ),
      body,
    );
    // Keys that close it are not for the notebook, nor for the view below.
    this.element.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "?") this.element.close();
    });
    this.fill = () => body.replaceChildren(...groupsOf(commands()), legend());
  }

  private readonly fill: () => void;

  open(): void {
    this.fill();
    this.element.showModal();
  }
}

function groupsOf(commands: Command[]): HTMLElement[] {
  const groups = new Map<string, Command[]>();
  for (const command of commands)
    groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return [...groups].map(([name, members]) =>
    h(
      "section",
      {},
      h("h4", {}, name),
      h(
        "dl",
        {},
        ...members.flatMap(({ keys, label }) => [
          h("dt", {}, ...inShort(keys)),
          h("dd", {}, label),
        ]),
      ),
    ),
  );
}

/** One or two keys, or the ends of a row of them. */
function inShort(keys: string[]): (HTMLElement | string)[] {
  const [first, ...others] = keys.map((key) => h("kbd", {}, shown(key)));
  const last = others.at(-1);
  if (!first || !last || (keys[0]?.length ?? 0) > 10) return first ? [first] : [];
  return others.length > 1 ? [first, "… ", last] : [first, last];
}

function legend(): HTMLElement {
  return h(
    "section",
    {},
    h("h4", {}, "Lanes"),
    h(
      "dl",
      {},
      ...LEGEND.flatMap(([kind, text]) => [
        h("dt", {}, h("span", { class: "s2w-legend", "data-kind": kind })),
        h("dd", {}, text),
      ]),
    ),
  );
}
