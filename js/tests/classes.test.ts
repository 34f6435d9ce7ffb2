import { afterEach, beforeEach, expect, test } from "vitest";
import { colored, parseAttribute } from "../src/state/classes";
import { handleKey } from "../src/state/keys/keys";
import { settle } from "./fake-host";
import { Mounted } from "./mounted";

const CLASSES = [
  { name: "person", color: "#e69f00" },
  { name: "dog", color: "#56b4e9" },
];
const FIRST = {
  ...{ id: 1, name: "Object 1", color: "#2f7ff5", visible: true, locked: false },
  ...{ class_name: "dog", attributes: { occluded: true } },
};
const SECOND = { ...FIRST, id: 2, name: "Object 2", class_name: "", attributes: {} };

let view: Mounted;
beforeEach(async () => {
  view = new Mounted();
  view.host.change({ objects: [FIRST, SECOND], class_list: CLASSES });
  await settle();
});
afterEach(() => view.close());

const menu = (name: string) =>
  view.element.querySelector(`[aria-label="Class of ${name}"]`) as HTMLSelectElement;
const swatch = (name: string) =>
  view.element.querySelector(`[aria-label="Colour of ${name}"]`) as HTMLInputElement;
const digit = (n: number, key: string) => view.press(key, { code: `Digit${n}`, shiftKey: true });

test("an object's class is shown in its row and picked from a menu", () => {
  expect(menu("Object 1").value).toBe("dog");
  expect([...menu("Object 2").options].map(({ value }) => value)).toEqual(["", "person", "dog"]);
  menu("Object 2").value = "person";
  menu("Object 2").dispatchEvent(new Event("change"));
  expect(view.host.of("set_class")).toMatchObject([
    { objects: [2], class_name: "person", add: false },
  ]);
});

test("without classes there is no menu in a row, and a field for the first", async () => {
  view.host.change({ class_list: [], objects: [], selected: 0 });
  await settle();
  const list = view.element.querySelector(".s2w-class-list") as HTMLElement;
  expect(list.hidden).toBe(true);
  const field = view.element.querySelector(".s2w-new-class") as HTMLInputElement;
  field.value = "cat";
  field.dispatchEvent(new Event("change"));
  expect(view.host.of("add_class")).toMatchObject([{ class_name: "cat" }]);
  view.host.change({ objects: [FIRST] });
  await settle();
  expect(menu("Object 1").hidden).toBe(true);
});

test("a locked object keeps its class", async () => {
  view.host.change({ objects: [{ ...FIRST, locked: true }] });
  await settle();
  expect(menu("Object 1").disabled).toBe(true);
  digit(1, "!");
  expect(view.host.of("set_class")).toEqual([]);
});

test("Shift and a digit give the selected object a class, and take it away again", () => {
  digit(1, "!");
  digit(2, '"');
  digit(7, "/"); // there is no seventh
  expect(view.host.of("set_class")).toMatchObject([
    { objects: [1], class_name: "person" },
    { objects: [1], class_name: "" },
  ]);
  expect(view.host.written).toEqual([]);
});

test("without a selected object they say what new objects are", async () => {
  view.host.change({ selected: 0 });
  await settle();
  digit(2, '"');
  await settle();
  expect(view.host.written).toContainEqual(["current_class", "dog"]);
  expect(view.host.of("set_class")).toEqual([]);
});

test("a layout that types digits with Shift selects objects with them", async () => {
  digit(2, "2");
  await settle();
  expect(view.host.written).toContainEqual(["selected", 2]);
  expect(view.host.of("set_class")).toEqual([]);
});

test("a character that has a command of its own goes before the digit beneath it", () => {
  const done: string[] = [];
  const commands = ["Shift+1", "+"].map((key) => ({
    ...{ keys: [key], label: "", group: "" },
    run: () => done.push(key),
  }));
  const init = { key: "+", code: "Digit1", shiftKey: true };
  handleKey(new KeyboardEvent("keydown", init), commands);
  expect(done).toEqual(["+"]);
});

test("J and Shift+J step through the classes", () => {
  view.press("j");
  view.press("j", { shiftKey: true });
  expect(view.host.of("set_class")).toMatchObject([{ class_name: "" }, { class_name: "person" }]);
});

test("colours are those of classes where that is chosen, grey without one", () => {
  expect(colored([FIRST, SECOND], CLASSES, "object")).toEqual([FIRST, SECOND]);
  const colors = colored([FIRST, SECOND], CLASSES, "class").map(({ color }) => color);
  expect(colors).toEqual(["#56b4e9", "#9a9a9a"]);
});

test("the view is in the colours of classes as soon as the trait says so", async () => {
  view.host.change({ color_by: "class" });
  await settle();
  expect(swatch("Object 1").value).toBe("#56b4e9");
  swatch("Object 1").value = "#000000";
  swatch("Object 1").dispatchEvent(new Event("change"));
  expect(view.host.of("set_class_color")).toMatchObject([{ class_name: "dog", color: "#000000" }]);
  view.host.change({ class_list: [{ name: "dog", color: "#000000" }] });
  await settle();
  expect(swatch("Object 1").value).toBe("#000000");
  view.host.change({ color_by: "object" });
  await settle();
  expect(swatch("Object 1").value).toBe(FIRST.color);
});

test("pressing a class makes new objects of it, and pressing it again of none", async () => {
  const chip = view.button("New objects are person");
  chip.click();
  await settle();
  expect(chip.getAttribute("aria-pressed")).toBe("true");
  chip.click();
  await settle();
  const written = view.host.written.filter(([name]) => name === "current_class");
  expect(written).toEqual([
    ["current_class", "person"],
    ["current_class", ""],
  ]);
});

test("a class that is hidden says so, and is shown again", async () => {
  view.button("Hide objects of the class dog").click();
  await settle();
  const show = view.button("Show objects of the class dog");
  expect(show.getAttribute("aria-pressed")).toBe("true");
  show.click();
  await settle();
  expect(view.button("Hide objects of the class dog")).not.toBeNull();
});

test("attributes are changed, added and removed one by one", async () => {
  const field = (name: string) =>
    view.element.querySelector(`input[aria-label="${name}"]`) as HTMLInputElement;
  const type = (name: string, text: string) => {
    field(name).value = text;
    field(name).dispatchEvent(new Event("change"));
  };
  expect(field("occluded").value).toBe("true");
  type("occluded", "false");
  field("New attribute").value = " id card ";
  type("Value of the new attribute", "7");
  view.button("Remove attribute occluded").click();
  expect(
    view.host.of("set_attributes").map((one) => "attributes" in one && one.attributes),
  ).toEqual([{ occluded: false }, { "id card": 7 }, { occluded: null }]);
});

test("values of attributes are what they look like", () => {
  expect(["true", " false ", "7", "-2.5", "1e3", "7 a", "", "0x10"].map(parseAttribute)).toEqual([
    ...[true, false, 7, -2.5, 1000, "7 a", "", "0x10"],
  ]);
});

test("a screen reader is told of another class of the selected object", async () => {
  const aloud = view.element.querySelector(".s2w-unseen[aria-live=polite]") as HTMLElement;
  view.host.change({ objects: [{ ...FIRST, class_name: "person" }, SECOND] });
  await settle();
  expect(aloud.textContent).toBe("Object 1: person");
});

test("the menu says where the selected object is from, and divides it on this frame", async () => {
  const lineage = () => view.element.querySelector(".s2w-lineage")?.textContent;
  expect(lineage()).toBe("");
  view.host.change({ frame: 3, selected: 1 });
  await settle();
  view.button("Divide here").click();
  expect(view.host.of("split")).toMatchObject([{ object: 1, frame: 3 }]);
  const third = { ...SECOND, id: 3, name: "Object 3", parents: [1] };
  view.host.change({ objects: [FIRST, { ...SECOND, parents: [1] }, third] });
  await settle();
  expect(lineage()).toBe("Object 1: goes on as 2 and 3");
  expect(view.button("Divide here").disabled).toBe(true);
  view.host.change({ selected: 3 });
  await settle();
  expect(lineage()).toBe("Object 3: child of 1");
  expect(view.button("Divide here").disabled).toBe(false);
  view.host.change({ objects: [FIRST, { ...third, parents: [1, 2], locked: true }] });
  await settle();
  expect(lineage()).toBe("Object 3: child of 1 and 2");
  expect(view.button("Divide here").disabled).toBe(true);
});
