// Sends the messages of the JSON object on standard input by one transport of nodemailer, pooled or
// not, and prints what it was told, one JSON object. A refusal is printed on standard error as
// nodemailer shows it, and ends the program with 1.
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";

const told = JSON.parse(readFileSync(0, "utf8"));
let signedIn = 0;
const silent = () => {};
const transport = nodemailer.createTransport({
  host: "localhost", port: told.port, secure: told.secure, requireTLS: true,
  tls: { ca: readFileSync(told.ca) }, auth: told.auth, authMethod: told.method,
  pool: told.pool > 0, maxConnections: told.pool || 1, maxMessages: 100,
  logger: {
    trace: silent, debug: silent, warn: silent, error: silent, fatal: silent, level: silent,
    info: (entry) => { signedIn += entry.action === "authenticated" ? 1 : 0; },
  },
});
const results = await Promise.allSettled(told.messages.map((one) => transport.sendMail(one)));
transport.close();
for (const result of results) {
  if (result.status === "rejected") {
    console.error(result.reason.message);
    process.exitCode = 1;
  }
}
const done = results.filter((one) => one.status === "fulfilled").map((one) => one.value);
console.log(JSON.stringify({
  signedIn,
  sent: done.map(({ accepted, rejected, rejectedErrors, response }) => (
    { accepted, rejected, refusals: (rejectedErrors ?? []).map((one) => one.response), response })),
}));
