/** Builds the second bundle and what it runs on into sam2widget_decoder/static: `npm run build`. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const STATIC = path.join(HERE, "sam2widget_decoder", "static");
const RUNTIME = path.join(HERE, "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm");

const options = { bundle: true, minify: true, format: "esm", target: "es2022", write: false };
const bundle = async (file, more) => {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [path.join(HERE, "src", file)],
    ...more,
  });
  return outputFiles[0].text;
};
// The worker travels within the module: a page that came from nowhere has no address for it.
const worker = await bundle("worker.ts", {
  alias: { "onnxruntime-web": "onnxruntime-web/wasm" },
  define: { "import.meta.url": '"file:///ort.mjs"' },
});
const code = await bundle("decoder.ts", { define: { WORKER_CODE: JSON.stringify(worker) } });
await mkdir(STATIC, { recursive: true });
await writeFile(path.join(STATIC, "decoder.js"), code);
const runtime = gzipSync(await readFile(RUNTIME), { level: 9 });
await writeFile(path.join(STATIC, "runtime.wasm.gz"), runtime);
console.log(`decoder.js ${code.length} bytes, runtime.wasm.gz ${runtime.length} bytes`);
