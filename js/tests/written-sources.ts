/** Sources in a folder of their own, as the build's tools read them; it goes after each test. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach } from "vitest";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Write a source, and transform it by a tool; gives what that makes of it. */
export function transformed(
  source: string,
  transform: (folder: string, sources: string) => Map<string, string>,
): string {
  const folder = mkdtempSync(path.join(tmpdir(), "written-sources-"));
  folders.push(folder);
  const sources = path.join(folder, "src");
  mkdirSync(sources);
  const options = { target: "ES2022", strict: true, types: [] };
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
  writeFileSync(path.join(sources, "one.ts"), source);
  return [...transform(folder, sources).values()].join("");
}
