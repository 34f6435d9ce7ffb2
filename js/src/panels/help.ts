/** Every key, and what the signs mean, over the view. */

import { type Command, parts } from "../state/keys/keys";
import { h, iconButton, on } from "../ui/dom";
import { legend } from "./legend";

export class Help {
  readonly element: HTMLDialogElement;

  constructor(commands: () => Command[]) {
    const body = h("div.help-body");
    // What scrolls can be focused: arrow keys then scroll it.
    const scroller = h("div.help-scroller", { tabindex: 0 }, body);
    this.element = h(
      "dialog.help",
      { label: "Keys" },
      h(
        "header",
        h("h3", "Keys"),
        iconButton("remove", "Close", () => this.element.close(), { key: "Escape" }),
      ),
      scroller,
    );
    // Keys that close it are not for the notebook, nor for the view below.
    on(this.element, "keydown", (event) => {
      event.stopPropagation();
      if (event.key === "?") this.element.close();
    });
    this.open = () => {
      const [signs, draw] = legend();
      body.replaceChildren(...groupsOf(commands()), signs);
      this.element.showModal();
      draw(); // as large as they are now
    };
  }

  readonly open: () => void;
}

function groupsOf(commands: Command[]): HTMLElement[] {
  const groups = new Map<string, Map<string, string[][]>>();
  for (const { group, label, keys } of commands) {
    const rows = groups.get(group) ?? new Map<string, string[][]>();
    groups.set(group, rows.set(label, [...(rows.get(label) ?? []), keys]));
  }
  return [...groups].map(([name, rows]) =>
    h(
      "section",
      h("h4", name),
      h(
        "dl",
        ...[...rows].flatMap(([label, ways]) => [
          h("dt", ...ways.flatMap(inShort)),
          h("dd", label),
        ]),
      ),
    ),
  );
}

/** One or two keys, or the ends of a row of them. */
function inShort(keys: string[]): HTMLElement[] {
  const first = parts(keys[0] ?? "");
  const last = parts(keys.at(-1) ?? "");
  if (keys.length < 3) return keys.map((key) => chord(...parts(key).map(cap)));
  // Of "Alt 1" to "Alt 3", what is held counts once.
  return [chord(...first.map(cap), "…", cap(last.at(-1) ?? ""))];
}

/** Keys that are pressed together: they stay on one line. */
function chord(...of: (HTMLElement | string)[]): HTMLElement {
  return h("span.chord", ...of);
}

function cap(key: string): HTMLElement {
  return h("kbd", key);
}
