/** What runs the mask decoder in the page, and what does where WebGPU fails. */

import { beforeEach, expect, test } from "vitest";
import { chooseProvider, type Provider, Runner, type Session } from "../decoder/src/providers";

const network = Uint8Array.of(1, 2, 3);
const hardware = { requestAdapter: async () => ({ info: { isFallbackAdapter: false } }) };

let made: [Provider, Uint8Array][];
let released: Provider[];
let said: string[];
/** What goes wrong by WebGPU. */
let fault: "none" | "create" | "run";

beforeEach(() => {
  [made, released, said, fault] = [[], [], [], "none"];
});

async function create(provider: Provider, of: Uint8Array): Promise<Session<number, string>> {
  made.push([provider, of]);
  const fails = (step: typeof fault) => provider === "webgpu" && fault === step;
  if (fails("create")) throw new Error("no device");
  return {
    run: async (feeds) => {
      if (fails("run")) throw new Error("device lost");
      return `${feeds} by ${provider}`;
    },
    release: async () => {
      released.push(provider);
      if (fails("run")) throw new Error("device lost");
    },
  };
}

async function runner(gpu: Parameters<typeof chooseProvider>[0]) {
  return new Runner<number, string>(await chooseProvider(gpu), create, (text) => said.push(text));
}

test("WebGPU runs the decoder where a graphics adapter is there, which is said", async () => {
  const one = await runner(hardware);
  expect(await one.run(1)).toBeNull(); // there is no network yet
  await one.open(network);
  expect(await one.run(7)).toBe("7 by webgpu");
  expect(made).toEqual([["webgpu", network]]);
  expect(said).toEqual(["Masks are decoded in this page by WebGPU."]);
});

test.each([
  ["plain http", undefined],
  ["no graphics adapter", { requestAdapter: async () => null }],
  ["in software", { requestAdapter: async () => ({ info: { isFallbackAdapter: true } }) }],
  ["no adapter (blocked)", { requestAdapter: () => Promise.reject(new Error("blocked")) }],
])("WebAssembly runs it where there is no WebGPU to speak of: %s", async (why, gpu) => {
  const one = await runner(gpu);
  await one.open(network);
  expect(await one.run(7)).toBe("7 by wasm");
  expect(made).toEqual([["wasm", network]]);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^Masks are decoded in this page by WebAssembly: .*\.$/);
  expect(said[0]).toContain(why);
});

test("WebAssembly takes over where WebGPU makes no session", async () => {
  fault = "create";
  const one = await runner(hardware);
  await one.open(network);
  expect(await one.run(7)).toBe("7 by wasm");
  expect(made.map(([provider]) => provider)).toEqual(["webgpu", "wasm"]);
  expect(said).toEqual([
    "Masks are decoded in this page by WebAssembly: WebGPU failed (no device).",
  ]);
});

test("WebAssembly answers, from then on, where a session of WebGPU fails later", async () => {
  const one = await runner(hardware);
  await one.open(network);
  fault = "run";
  expect(await one.run(7)).toBe("7 by wasm");
  expect(said.at(-1)).toContain("WebGPU failed (device lost)");
  fault = "none";
  const other = Uint8Array.of(4);
  await one.open(other); // another model
  expect(await one.run(8)).toBe("8 by wasm");
  expect(made).toEqual([
    ["webgpu", network],
    ["wasm", network],
    ["wasm", other],
  ]);
  expect(released).toEqual(["webgpu", "wasm"]);
});

test("what WebAssembly cannot do is an error", async () => {
  const one = new Runner<number, string>(
    await chooseProvider(undefined),
    () => Promise.reject(new Error("no such operator")),
    () => {},
  );
  await expect(one.open(network)).rejects.toThrow("no such operator");
  expect(await one.run(1)).toBeNull();
});
