// Builds the page chat.svelte: node svelte.mjs FILE writes it to FILE.

import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { compile, compileModule } from "svelte/compiler";

// Svelte files are components; files like `x.svelte.js` are modules that use its reactive values.
const svelte = {
  name: "svelte",
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte(\.js)?$/ }, async ({ path }) => {
      const translate = path.endsWith(".js") ? compileModule : compile;
      const { js } = translate(await readFile(path, "utf8"), { filename: path, generate: "client" });
      return { contents: js.code };
    });
  },
};

await build({
  stdin: {
    contents: 'import { mount } from "svelte"; import Chat from "./chat.svelte"; mount(Chat, { target: document.getElementById("root") });',
    resolveDir: import.meta.dirname,
  },
  bundle: true,
  conditions: ["svelte", "browser"],
  format: "esm",
  logLevel: "warning",
  outfile: process.argv[2],
  plugins: [svelte],
});
