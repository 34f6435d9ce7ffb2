// @vitest-environment node
/** What the build makes of classes, and of the names that a bundle says often. */

import ts from "typescript";
import { expect, it } from "vitest";
import { hoistFunctions } from "../tools/hoist.mjs";
import { shortenClasses } from "../tools/short-names.mjs";
import { nameOften } from "../tools/short-words.mjs";
import { transformed } from "./written-sources";

/** TypeScript reads all that it knows of browsers each time. */
const LIMIT_MS = 300_000;
/** A source with its classes as functions. */
function closed(source: string): string {
  return transformed(source, shortenClasses);
}

/** What a source's `result` is. */
function run(source: string): unknown {
  const target = ts.ScriptTarget.ES2022;
  const code = ts.transpile(source, { target, module: ts.ModuleKind.None });
  return new Function("exports", `${code}; return result;`)({});
}

const COUNTER = `
  class Counter {
    changes = 0;
    readonly step: number;
    private value: number;
    constructor(start: number, private readonly names = ["a", "b"]) {
      this.step = start;
      this.value = start;
    }
    get next(): number { return this.value + this.step; }
    add(by = this.step): this {
      const { names } = this;
      for (const _ of names) this.bump(by);
      return this;
    }
    private bump(by: number): void {
      this.value += by;
      this.changes++;
    }
  }
  const counter = new Counter(2).add().add(1);
  counter.changes += 10;
  const result = [counter.changes, counter.next, counter.step, new Counter(5).next];
`;

it(
  "a class as a function does what it did",
  () => {
    const text = closed(COUNTER);
    expect(text).not.toMatch(/\bclass\b|\bthis\.|\bnew Counter/);
    expect(run(text)).toEqual(run(COUNTER));
    expect(run(text)).toEqual([14, 10, 2, 10]);
  },
  LIMIT_MS,
);

it(
  "a class that extends another, or has something static, stays one",
  () => {
    const text = closed(`
      class Wrong extends Error { text = "x"; }
      class Place { static of(x: number) { return new Place(x); } constructor(readonly x: number) {} }
      const result = [new Wrong() instanceof Error, Place.of(3).x];
    `);
    expect(text).toContain("class Wrong extends Error");
    expect(text).toContain("class Place");
  },
  LIMIT_MS,
);

it(
  "a parameter that would take the place of what a method means is refused",
  () => {
    const source = (name: string) => `
      const size = 3;
      class Box { constructor(${name}: number) { console.log(${name}); } get area() { return size; } }
      export const result = new Box(1).area;
    `;
    expect(() => closed(source("size"))).toThrow(/size is a parameter of Box/);
    expect(closed(source("other"))).toContain("size");
  },
  LIMIT_MS,
);

it.each([
  ["own = { get twice() { return this.size; }, size: 2 };", /`this` of its own/],
  ["own = function (this: Date) { return this.getTime(); };", /`this` of its own/],
  ["isAs(other: Box) { return other.size === this.size; }", /other._own_size is private/],
])(
  "what a function cannot mean as a class does is refused: %s",
  (member, error) => {
    const source = `class Box { private size = 1; ${member} look() { return this.size; } }`;
    expect(() => closed(source)).toThrow(error);
  },
  LIMIT_MS,
);

it("functions come first as constants, but for those that have a use for being functions", () => {
  const code = `
    const seen = double(2);
    function double(x) { return 2 * x; }
    function own() { return this; }
    function* two() { yield 1; yield 2; }
    const result = [seen, [...two()], own.call(7) + 0];
  `;
  const text = hoistFunctions(code);
  expect(text).toMatch(/^const double = \(x\) =>/);
  expect(text).toContain("function own()");
  expect(run(text)).toEqual([4, [1, 2], 7]);
});

it("what is said often has a short name, where that is shorter, and means the same", () => {
  const code = `const aa=1,result=[{fillStyle:1}.fillStyle,{fillStyle:2}?.fillStyle,
    (({fillStyle:x})=>x)({fillStyle:3}),(({fillStyle:x})=>x)({fillStyle:aa}),"fillStyle",
    {strokeStyle:5}.strokeStyle,{value:6}.value]`;
  const text = nameOften(code);
  expect(text).toMatch(/^const ab="fillStyle";/);
  expect(text).toContain("strokeStyle");
  expect(text.length).toBeLessThan(code.length);
  expect(run(text)).toEqual(run(code));
});

it("strings that are said often are variables too, and mean the same", () => {
  const code = `const name=a=>{switch(a){case"selected":return"selected";case 2:return\`selected\`}
    if(typeof a=="selected")return 0;return"selected"in a?a["selected"]:"other"},
    take=({"selected":x})=>x,
    result=[name("selected"),name(2),name({"selected":3}),name({}),take({selected:4}),"other"]`;
  const text = nameOften(`"use strict";${code}`);
  expect(text).toMatch(/^const aa="selected";"use strict";/);
  expect(text).toContain("case aa:return aa;case 2:return aa}");
  expect(text).toContain('typeof a=="selected"');
  expect(text).toContain("return aa in a?a[aa]");
  expect(text).toContain("({[aa]:x})");
  expect(text).toContain('"other"');
  expect(text.length).toBeLessThan(code.length);
  expect(run(text)).toEqual(run(code));
});
