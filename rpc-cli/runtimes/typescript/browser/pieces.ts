// All that modules which a port serves may need. `build.mjs` cuts it into pieces, of which each module has its own.

export * from "../src/addresses.js";
export * from "../src/codecs.js";
export * from "../src/composites.js";
export { Description } from "./describe.js";
export * from "./generated.js";
export * from "./index.js";
