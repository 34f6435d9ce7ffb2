import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeRuns } from "../src/kernel/codecs";
import { parse } from "../src/kernel/protocol";
import { CHECKS } from "../src/kernel/protocol/message-checks";

const FOLDER = join(__dirname, "../../tests/fixtures/protocol");

interface Golden {
  message: { type: string; frame?: number };
  buffers?: string[];
}

const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const golden = names.map((name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");
  return [name, JSON.parse(text) as Golden] as const;
});
const fromKernel = golden.filter(([, { message }]) => Object.hasOwn(CHECKS, message.type));

describe("messages as the kernel writes them", () => {
  it("are of every kind", () => {
    expect(new Set(fromKernel.map(([, { message }]) => message.type))).toEqual(
      new Set(Object.keys(CHECKS)),
    );
  });

  it.each(fromKernel)("%s is read", (_, { message, buffers = [] }) => {
    expect(parse(message, buffers.length)).toEqual(message);
  });

  it.each(fromKernel.filter(([, { message }]) => message.type === "masks"))(
    "%s: areas are those of the runs",
    (_, { message, buffers = [] }) => {
      const read = parse(message, buffers.length);
      if (read.type !== "masks") throw new Error("not masks");
      read.masks.forEach(({ area }, i) => {
        const bytes = new Uint8Array(readFileSync(join(FOLDER, buffers[i] as string)));
        const lengths = [...new Uint32Array(bytes.buffer)];
        const runs = decodeRuns(
          bytes,
          lengths.reduce((sum, length) => sum + length, 0),
        );
        const inside = runs.filter((_length, at) => at % 2 === 1);
        expect(inside.reduce((sum, length) => sum + length, 0)).toBe(area);
      });
    },
  );
});

describe("parse", () => {
  const prompts = { type: "prompts", epoch: 1, frame: 2, object: 1, box: null, mask: false };

  const answer = { reply_to: { view: "v", id: 1 }, reduced: false };
  it.each([
    ["null", null, 0, /unknown type/],
    ["a type of Object's own", { type: "toString", epoch: 1 }, 0, /unknown type: "toString"/],
    ["no epoch", { type: "done", reply_to: { view: "v", id: 1 } }, 0, /"done", epoch/],
    ["a label of 2", { ...prompts, points: [[1, 2, 2]] }, 0, /points .*2/],
    ["a box of three", { ...prompts, points: [], box: [1, 2, 3] }, 0, /box/],
    [
      "no pixels",
      { ...{ type: "frame", epoch: 1, seq: 1, frame: 0, towards: null }, ...answer },
      0,
      /0 buffers instead of 1/,
    ],
  ])("refuses %s with a sentence", (_, content, buffers, sentence) => {
    expect(() => parse(content, buffers)).toThrow(sentence);
  });
});
