/** The tests on the sources as the build shortens them: `npm run test:short`. */

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { shortenClasses } from "./tools/short-names.mjs";

const JS = fileURLToPath(new URL(".", import.meta.url));
const sources = shortenClasses(JS, `${JS}src`, `${JS}tests`);

export default defineConfig({
  plugins: [{ name: "short", enforce: "pre", load: (id) => sources.get(id.split("?")[0] ?? id) }],
  test: {
    environment: "happy-dom",
    include: ["tests/*.test.ts"],
    exclude: ["tests/bundle.test.ts", "tests/short-*.test.ts"],
  },
});
