import { describe, expect, it, vi } from "vitest";
import { Help } from "../src/panels/help";
import { type Command, handleKey, nameOf, shown } from "../src/state/keys/keys";

const key = (name: string, init: KeyboardEventInit = {}) =>
  new KeyboardEvent("keydown", { key: name, ...init });

describe("a key's name", () => {
  it.each([
    ["a", {}, "A"],
    ["A", { shiftKey: true }, "Shift+A"],
    ["z", { metaKey: true }, "Ctrl+Z"],
    ["Z", { ctrlKey: true, shiftKey: true }, "Ctrl+Shift+Z"],
    [" ", {}, "Space"],
    ["?", { shiftKey: true }, "?"],
    ["ArrowLeft", { shiftKey: true }, "Shift+ArrowLeft"],
    ["+", {}, "+"],
    ["¡", { altKey: true, code: "Digit1" }, "Alt+1"],
    ["–", { altKey: true, code: "Minus" }, "Alt+-"],
    ["&", { code: "Digit1" }, "&"],
  ])("of %s with %o is %s", (name, init, expected) => {
    expect(nameOf(key(name, init))).toBe(expected);
  });

  it("is short for people", () => {
    expect(shown("Shift+ArrowLeft")).toBe("Shift ←");
    expect(shown("+")).toBe("+");
  });
});

describe("commands", () => {
  const command = (keys: string[], enabled = true): Command => ({
    ...{ keys, label: "", group: "", enabled: () => enabled },
    run: vi.fn(),
  });

  it("are found by their key, the first that may", () => {
    const [off, on] = [command(["A"], false), command(["B", "A"])];
    expect(handleKey(key("a"), [off, on])).toBe(true);
    expect(off.run).not.toHaveBeenCalled();
    expect(on.run).toHaveBeenCalledOnce();
  });

  it("leave other keys alone", () => {
    expect(handleKey(key("a", { ctrlKey: true }), [command(["A"])])).toBe(false);
  });
});

describe("the help", () => {
  const rowsOf = (...commands: [string[], string][]) => {
    const help = new Help(() =>
      commands.map(([keys, label]) => ({ keys, label, group: "Prompts", run: vi.fn() })),
    );
    document.body.append(help.element);
    help.open();
    const [section] = help.element.querySelectorAll("section");
    return [...(section?.querySelectorAll("dt") ?? [])].map((row) => [
      [...row.querySelectorAll(".s2w-chord")].map((one) =>
        [...one.childNodes].map((part) => part.textContent).join(" "),
      ),
      row.nextElementSibling?.textContent,
    ]);
  };

  it("keeps the keys of a chord together, each a key of its own", () => {
    expect(rowsOf([["Ctrl+Shift+Z", "Ctrl+Y"], "Redo"])).toEqual([
      [["Ctrl Shift Z", "Ctrl Y"], "Redo"],
    ]);
  });

  it("says what two ways do once, and of a row of keys its ends", () => {
    const ways = [
      ["1", "2", "3"],
      ["Alt+1", "Alt+2", "Alt+3"],
    ];
    expect(rowsOf(...ways.map((keys): [string[], string] => [keys, "Choose"]))).toEqual([
      [["1 … 3", "Alt 1 … 3"], "Choose"],
    ]);
  });
});
