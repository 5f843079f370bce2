// Builds the page: src/ and Preact become two files in mockserver/tools/page/static/.
//
//   node build.mjs [FOLDER]

import { copyFile } from "node:fs/promises";
import { build } from "esbuild";

const folder = process.argv[2] ?? "../mockserver/tools/page/static";
const licence = "/*! Contains Preact, (c) Jason Miller, MIT licence: see PREACT-LICENSE. */";

await build({
  entryPoints: [
    { in: "src/main.tsx", out: "page" },
    { in: "src/style.css", out: "page" },
  ],
  outdir: folder,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  banner: { js: licence },
});
await copyFile("node_modules/preact/LICENSE", `${folder}/PREACT-LICENSE`);
