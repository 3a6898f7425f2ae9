// A script that asks the test as it goes: one line of JSON each way, the last one says what it saw.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function ask(wanted, given = {}) {
  process.stdout.write(JSON.stringify({ ask: wanted, ...given }) + "\n");
  const { value, done } = await lines.next();
  if (done) throw new Error(`nobody answers ${wanted}`);
  return JSON.parse(value);
}

export function finish(seen) {
  process.stdout.write(JSON.stringify({ seen }) + "\n", () => process.exit(0));
}
