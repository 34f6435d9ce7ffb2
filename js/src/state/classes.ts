/** Classes of objects: their colours, and how a person sets them. */

import type { Client } from "../kernel/client";
import type { Attribute, ColorBy, ObjectClass, ObjectInfo } from "../kernel/traits";
import { type Command, commandsOf } from "./keys/keys";
import type { Store } from "./store";

/** Of objects without a class, where colours are those of classes: the kernel's. */
const NO_CLASS_COLOR = "#9a9a9a";
const MAX_KEYS = 9;

/** Objects in the colours that they are to be shown in. */
export function colored(objects: ObjectInfo[], classes: ObjectClass[], by: ColorBy): ObjectInfo[] {
  if (by === "object") return objects;
  const colors = new Map(classes.map(({ name, color }) => [name, color]));
  return objects.map((one) => ({ ...one, color: colors.get(one.class_name) ?? NO_CLASS_COLOR }));
}

/** Change the colour that an object is shown in: its own, or its class's. */
export function changeColor(store: Store, client: Client, object: ObjectInfo, color: string): void {
  const { id, class_name } = object;
  if (store.state.color_by === "object") client.ask({ type: "update_object", object: id, color });
  else if (class_name) client.ask({ type: "set_class_color", class_name, color });
}

/** Give an object a class; "" is none. */
export function setClass(client: Client, object: number, class_name: string): void {
  client.ask({ type: "set_class", objects: [object], class_name, add: false });
}

/** What a person types for a value: true, false, a number, else a text. */
export function parseAttribute(text: string): Attribute {
  const said = text.trim();
  if (said === "true" || said === "false") return said === "true";
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(said) ? Number(said) : said;
}

/** The keys of classes. */
export function classCommands(store: Store, client: Client): Command[] {
  const { state } = store;
  const give = (name: string) => {
    const object = store.selectedObject;
    if (!object) store.set("current_class", state.current_class === name ? "" : name);
    else if (!object.locked) setClass(client, object.id, object.class_name === name ? "" : name);
  };
  const step = (by: number) => () => {
    const names = ["", ...state.class_list.map(({ name }) => name)];
    const now = store.selectedObject?.class_name ?? state.current_class;
    const next = (names.indexOf(now) + by + names.length) % names.length;
    give(names[next] || now);
  };
  const command = commandsOf("Objects", () => state.class_list.length > 0);
  return [
    command(
      Array.from({ length: MAX_KEYS }, (_, n) => `Shift+${n + 1}`),
      "Give the object the first to the ninth class, or new ones if none is selected",
      ({ code }) => {
        const one = state.class_list[Number(code.slice(-1)) - 1];
        if (one) give(one.name);
      },
    ),
    command("J", "Next class", step(1)),
    command("Shift+J", "Previous class", step(-1)),
  ];
}
