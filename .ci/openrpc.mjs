// Checks an OpenRPC document against the meta-schema of OpenRPC 1.4, and its types against that of JSON Schema draft 7.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const Ajv = require("ajv");
const read = (path) => JSON.parse(readFileSync(path, "utf8"));

const meta = read(require.resolve("@open-rpc/spec").replace(/index\.js$/, "1_4/schema.json"));
const draft7 = read(require.resolve("ajv/dist/refs/json-schema-draft-07.json"));
const [described, served, discovered] = process.argv.slice(2).map(read);

// The meta-schema names JSON Schema by an address: here draft 7 stands there.
delete meta.$schema;
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
const named = new Set([...JSON.stringify(meta).matchAll(/"\$ref":"([^"#][^"]*)"/g)].map((match) => match[1]));
for (const id of named) ajv.addSchema({ ...draft7, $id: id });

const problems = [];
for (const document of [described, served]) {
  if (!ajv.validate(meta, document)) problems.push(...ajv.errors);
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    const types = new Ajv({ strict: false, validateFormats: false });
    if (!types.validateSchema(schema)) problems.push({ name, errors: types.errors });
  }
}
const sorted = ({ methods }) => JSON.stringify(methods.toSorted((one, other) => (one.name < other.name ? -1 : 1)));
if (JSON.stringify(discovered.result) !== JSON.stringify(served)) problems.push("rpc.discover gives another document");
// `rpc describe` leaves out the service by which it knows the others.
const others = served.methods.filter(({ name }) => !name.startsWith("Reflection."));
if (sorted(described) !== sorted({ methods: others })) problems.push("rpc describe gives another document");
if (problems.length > 0) {
  console.error(JSON.stringify(problems, null, 2));
  process.exit(1);
}
console.log(`${served.methods.length} methods, ${Object.keys(served.components.schemas).length} types: valid`);
