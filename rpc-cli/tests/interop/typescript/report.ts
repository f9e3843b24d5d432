// One line for each case, and the exit code.

import { inspect } from "node:util";

/** The longest that a case may take. */
const STUCK = 30_000;

let failed = 0;

/** Runs a case and says how it went. */
export async function report(name: string, run: () => Promise<void> | void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<void>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error("stuck"));
    }, STUCK);
  });
  try {
    await Promise.race([Promise.resolve(run()), stuck]);
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${name}: ${inspect(error).replaceAll("\n", " ").slice(0, 2000)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the program. */
export function finish(): void {
  process.exit(failed === 0 ? 0 : 1);
}
