/** Bundles the widget into sam2widget/static: `npm run build`. */

import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as often from "./often.mjs";
import { RENAMED, renameMembers } from "./short-names.mjs";

const JS = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = path.join(JS, "src");

const sources = renameMembers(JS, SOURCES);
await build({
  entryPoints: [path.join(SOURCES, "index.ts"), path.join(SOURCES, "styles", "index.css")],
  entryNames: "widget",
  outdir: process.argv[2] ?? path.join(JS, "..", "sam2widget", "static"),
  ...{ bundle: true, minify: true, format: "esm", target: "es2022", logLevel: "info" },
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
