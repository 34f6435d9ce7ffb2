/** Bundles the widget into sam2widget/static: `npm run build`. */

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";
import { hoistFunctions } from "./hoist.mjs";
import * as often from "./often.mjs";
import { RENAMED, shortenClasses } from "./short-names.mjs";
import { nameOften } from "./short-words.mjs";

const JS = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = path.join(JS, "src");
const TARGET = process.argv[2] ?? path.join(JS, "..", "sam2widget", "static");

const sources = shortenClasses(JS, SOURCES);
const options = { bundle: true, format: "esm", target: "es2022", charset: "utf8", write: false };
const scripts = await build({
  ...options,
  entryPoints: [path.join(SOURCES, "index.ts")],
  minifySyntax: true,
  mangleProps: RENAMED,
  define: Object.fromEntries(Object.keys(often).map((name) => [name.replace("_", "."), name])),
  inject: [path.join(JS, "tools", "often.mjs")],
  plugins: [
    {
      name: "short-names",
      setup({ onLoad }) {
        onLoad({ filter: /\.ts$/ }, ({ path: file }) => ({
          contents: sources.get(file),
          loader: "ts",
        }));
      },
    },
  ],
});
const styles = await build({
  ...options,
  entryPoints: [path.join(SOURCES, "styles", "index.css")],
  minify: true,
});
const shortened = await minify(hoistFunctions(scripts.outputFiles[0].text), {
  module: true,
  ecma: 2022,
  compress: {
    ...{ passes: 3, keep_fargs: false, sequences: false },
    ...{ unsafe: true, unsafe_arrows: true, unsafe_methods: true },
  },
});

mkdirSync(TARGET, { recursive: true });
for (const [name, text] of [
  ["widget.js", nameOften(shortened.code ?? "")],
  ["widget.css", styles.outputFiles[0].text],
]) {
  writeFileSync(path.join(TARGET, name), text);
  console.log(`${name}: ${Buffer.byteLength(text).toLocaleString("en")} bytes`);
}
