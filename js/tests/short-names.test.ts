// @vitest-environment node
/** Members of our own classes get short names; what else is called the same keeps its name. */

import { expect, test } from "vitest";
import { renameMembers } from "../tools/short-names.mjs";
import { transformed } from "./written-sources";

/** TypeScript reads all that it knows of browsers each time. */
const LIMIT_MS = 300_000;
function renamed(source: string): string {
  return transformed(source, renameMembers);
}

test(
  "a member is renamed wherever it is meant, and a browser's of the same name is not",
  () => {
    const text = renamed(`
    export class Panel {
      constructor(private readonly title: string, readonly size = { title: 1 }) {}
      show(element: HTMLElement): string {
        const { title } = this;
        element.title = this.title;
        return title + this.size.title;
      }
    }
    export const shown = (panel: Panel) => panel.show(document.body) + document.title;
  `);
    expect(text).toContain("private readonly _own_title: string");
    expect(text).toContain("readonly _own_size = { title: 1 }");
    expect(text).toContain("const { _own_title: title } = this");
    expect(text).toContain("element.title = this._own_title");
    expect(text).toContain("title + this._own_size.title");
    expect(text).toContain("panel._own_show(document.body) + document.title");
  },
  LIMIT_MS,
);

test(
  "a class that stands for an interface has to say so",
  () => {
    const source = (says: string) => `
    interface Part { update(): void }
    class Bar ${says} { update(): void {} }
    export const parts: Part[] = [new Bar()];
  `;
    expect(() => renamed(source(""))).toThrow(/Property 'update' is missing in type 'Bar'/);
    expect(renamed(source("implements Part"))).toContain("interface Part { _own_update(): void }");
  },
  LIMIT_MS,
);
