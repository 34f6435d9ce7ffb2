/** Builds the second bundle and what it runs on into sam2widget_decoder/static: `npm run build`. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const STATIC = path.join(HERE, "sam2widget_decoder", "static");
const ONNX_RUNTIME = path.join(HERE, "node_modules/onnxruntime-web/dist");
/** By what networks are run with: ONNX Runtime as WebAssembly, as it is there and in the package. */
const RUNTIMES = {
  wasm: ["ort-wasm-simd-threaded.wasm", "runtime.wasm.gz"],
  webgpu: ["ort-wasm-simd-threaded.asyncify.wasm", "runtime-webgpu.wasm.gz"],
};

const options = { bundle: true, minify: true, format: "esm", target: "es2022", write: false };
const bundle = async (file, more) => {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [path.join(HERE, "src", file)],
    ...more,
  });
  return outputFiles[0].text;
};
await mkdir(STATIC, { recursive: true });
// Workers travel within the module: a page that came from nowhere has no address for them.
const workers = {};
for (const [provider, [source, target]] of Object.entries(RUNTIMES)) {
  workers[provider] = await bundle("worker.ts", {
    alias: { "onnxruntime-web": `onnxruntime-web/${provider}` },
    define: { "import.meta.url": '"file:///ort.mjs"' },
  });
  const runtime = gzipSync(await readFile(path.join(ONNX_RUNTIME, source)), { level: 9 });
  await writeFile(path.join(STATIC, target), runtime);
  console.log(`${target} ${runtime.length} bytes`);
}
const code = await bundle("decoder.ts", { define: { WORKERS: JSON.stringify(workers) } });
await writeFile(path.join(STATIC, "decoder.js"), code);
console.log(`decoder.js ${code.length} bytes`);
