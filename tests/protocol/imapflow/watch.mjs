// Waits for a message in IDLE, reads and answers it with a flag, goes away, comes back by QRESYNC.
import { asks, client, complaints, event, tells, text, told } from "./talk.mjs";

let flow = client();
await flow.connect();
tells("enabled", flow.enabled);
tells("folders", (await flow.list()).map((box) => [box.path, box.specialUse ?? null]));
let box = await flow.mailboxOpen("INBOX");
const before = box.exists;

const idling = flow.idle();
const came = event(flow, "exists");
await asks("send");
tells("came", (await came).count - before);
await flow.noop();
await idling;
const newest = await flow.fetchOne("*", { uid: true, envelope: true, bodyStructure: true, source: true });
tells("subject", newest.envelope.subject);
tells("type", newest.bodyStructure.type);
tells("source", newest.source.toString("latin1"));
tells("body", await text((await flow.download("*", "1")).content));
await flow.messageFlagsAdd(String(newest.uid), ["\\Seen"], { uid: true });
await flow.messageCopy(String(newest.uid), "Sent", { uid: true });

await flow.fetchAll("1:*", { uid: true, flags: true });
box = flow.mailbox;
const known = { changedSince: box.highestModseq, uidValidity: box.uidValidity };
await flow.logout();

await asks("send again");
flow = client();
const changes = [];
flow.on("flags", (each) => changes.push(each.uid));
await flow.connect();
box = await flow.mailboxOpen("INBOX", known);
tells("resynchronised", { changes: changes.map((uid) => uid - newest.uid), more: box.exists - before });
const found = await flow.search({ subject: told.subject }, { uid: true });
tells("found", found.length);
await flow.messageMove(found, "Trash", { uid: true });
tells("left", await flow.search({ subject: told.subject }, { uid: true }));
await flow.logout();
tells("complaints", complaints);
process.exit(0);
