// Makes of the run-time what a server's port serves to pages: `node build.mjs FOLDER` writes a file for clients that
// answer calls, and a smaller one for those that do not. Needs esbuild, terser and typescript.

import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { minify } from "terser";
import ts from "typescript";

const here = fileURLToPath(new URL(".", import.meta.url));
const [folder = "."] = process.argv.slice(2);

/** Says where a rule was broken in the place of how: the words are a tenth of the bytes. */
const brief = {
  name: "brief",
  setup({ onLoad }) {
    onLoad({ filter: /\/(src|browser)\/[^/]+\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      return { contents: shortened(text, basename(path, ".ts")), loader: "ts" };
    });
  },
};

function shortened(text, name) {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const changes = [];
  const visit = (node) => {
    const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    if (ts.isNewExpression(node) && node.expression.getText() === "ProtocolError") {
      changes.push([node.arguments[0], JSON.stringify(`${name}:${line}`)]);
    } else if (ts.isCallExpression(node) && /^(this|reader)\.error$/.test(node.expression.getText())) {
      changes.push([node.arguments[1], '""']);
    } else {
      ts.forEachChild(node, visit);
    }
  };
  visit(file);
  for (const [node, by] of changes.reverse()) {
    text = text.slice(0, node.getStart()) + by + text.slice(node.end);
  }
  return text;
}

/** Leaves out what answers calls. */
const silent = {
  name: "silent",
  setup({ onResolve }) {
    onResolve({ filter: /\/(peer|dispatch|answers)\.js$/ }, ({ path }) => ({
      path: join(here, "browser", `no-${basename(path, ".js")}.ts`),
    }));
  },
};

for (const [name, plugins] of [["whole", [brief]], ["calling", [silent, brief]]]) {
  const { outputFiles } = await build({
    entryPoints: [join(here, "browser/index.ts")],
    bundle: true,
    charset: "ascii",
    format: "esm",
    minify: true,
    plugins,
    target: "es2022",
    write: false,
  });
  const [code, list] = outputFiles[0].text.trimEnd().split(/export\{(?=[^{]*\};$)/);
  const names = list.slice(0, -2).split(",").map((pair) => pair.split(" as "));
  const members = names.map(([own, known = own]) => (own === known ? own : `${known}:${own}`));
  const text = `const $rpc=(()=>{${code}return{${members}}})();`;
  const least = await minify(text, { ecma: 2020, compress: { passes: 3 }, format: { ascii_only: true } });
  await writeFile(join(folder, `${name}.js`), `${least.code}\n`);
}
