// What every script does: reads where to go on its first line of input, prints what it saw, one
// JSON object a line. `await asks(deed)` waits until the test did that deed.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ImapFlow } from "imapflow";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
export const told = JSON.parse((await lines.next()).value);
const plain = (_, value) =>
  typeof value === "bigint" ? Number(value) : value instanceof Set ? [...value].sort()
    : value instanceof Map ? Object.fromEntries(value) : value;
export const tells = (about, what) => console.log(JSON.stringify({ about, what }, plain));
export async function asks(deed) {
  console.log(JSON.stringify({ deed }));
  await lines.next();
}

export const complaints = [];
const complain = (level) => (entry) =>
  complaints.push({ level, message: entry?.msg ?? String(entry?.err ?? entry) });
const silent = () => {};
export function client() {
  return new ImapFlow({
    host: "localhost", port: told.port, secure: true, tls: { ca: readFileSync(told.ca) },
    auth: { user: told.login, pass: told.password },
    qresync: true, disableAutoIdle: true, disableIMAP4rev2: told.rev === 1,
    logger: {
      trace: silent, debug: silent, info: silent,
      warn: complain("warn"), error: complain("error"), fatal: complain("fatal"),
    },
  });
}
export const text = async (stream) => Buffer.concat(await stream.toArray()).toString("latin1");
export const event = (flow, name) => new Promise((resolve) => flow.once(name, resolve));
