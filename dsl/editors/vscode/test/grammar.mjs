// Tells how the TextMate grammar reads files: each line, and below it each piece with its scopes.
// node grammar.mjs FILE...  prints, for every file, what its golden file (.scopes) holds.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const oniguruma = require("vscode-oniguruma");
const { INITIAL, Registry, parseRawGrammar } = require("vscode-textmate");

const syntaxes = join(dirname(fileURLToPath(import.meta.url)), "..", "syntaxes");
const wasm = await readFile(require.resolve("vscode-oniguruma/release/onig.wasm"));
await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));

const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async (scope) => {
    const path = join(syntaxes, `${scope.replace(/^source\./, "")}.tmLanguage.json`);
    return parseRawGrammar(await readFile(path, "utf8"), path);
  },
});

const grammar = await registry.loadGrammar("source.klr");
for (const path of process.argv.slice(2)) {
  let stack = INITIAL;
  for (const line of (await readFile(path, "utf8")).replace(/\n$/, "").split("\n")) {
    const read = grammar.tokenizeLine(line, stack);
    stack = read.ruleStack;
    console.log(`> ${line}`);
    for (const { startIndex, endIndex, scopes } of read.tokens) {
      const piece = line.slice(startIndex, endIndex);
      const named = scopes.slice(1).join(" ");
      if (piece.trim() && named) console.log(`    ${piece.trim()} | ${named}`);
    }
  }
}
