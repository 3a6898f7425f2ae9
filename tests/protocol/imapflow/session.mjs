// A mail client of Node.js goes through its day.
import { asks, client, complaints, event, tells, text, told } from "./talk.mjs";

let flow = client();
await flow.connect();
tells("enabled", flow.enabled);
tells("folders", (await flow.list({ statusQuery: { messages: true, unseen: true } }))
  .map((box) => [box.path, box.specialUse ?? null, box.status?.messages, box.status?.unseen]));
tells("status", await flow.status("INBOX", { messages: true, uidNext: true, uidValidity: true, unseen: true, highestModseq: true }));

let box = await flow.mailboxOpen("INBOX");
tells("opened", [box.exists, box.uidNext, box.highestModseq > 0n]);
const everything = { uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true, emailId: true, source: true };
const one = await flow.fetchOne("1", everything);
tells("envelope", [one.envelope.subject, one.envelope.from[0].address, one.envelope.messageId]);
tells("parts", one.bodyStructure.childNodes.map((part) => [part.part, part.type, part.disposition ?? null]));
tells("source", one.source.toString("latin1"));
tells("list", (await flow.fetchAll("1:*", { uid: true, flags: true, envelope: true, bodyStructure: true, size: true, headers: ["subject"] }))
  .map((message) => [message.uid, message.flags, message.envelope.subject, message.size, message.headers.toString().trim()]));
const part = await flow.download("1", "2");
tells("part", [part.meta.contentType, part.meta.filename, await text(part.content)]);
tells("many", Object.fromEntries(Object.entries(await flow.downloadMany("1", ["1", "2"]))
  .filter(([, value]) => value.content).map(([number, value]) => [number, value.content.toString("latin1")])));

tells("search", [
  await flow.search({ subject: "Été" }, { uid: true }),
  await flow.search({ seen: false, not: { from: "personne" } }, { uid: true }),
  await flow.search({ or: [{ subject: "Resultats 2" }, { larger: 400 }] }, { uid: true }),
  await flow.search({ since: new Date("2026-01-01"), body: "Bonjour" }, { uid: true }),
  await flow.search({ header: { "message-id": "<3@mss.example>" } }, { uid: true }),
  await flow.search({ all: true }, { uid: true, returnOptions: ["COUNT", "MIN", "MAX"] }),
]);

const appended = await flow.append("INBOX", told.message, ["\\Seen", "$Forwarded"], new Date("2026-09-01T10:00:00Z"));
tells("appended", [appended.destination, appended.uid, appended.seq]);
await flow.messageFlagsAdd("2", ["\\Flagged", "Urgent"], { uid: true });
await flow.messageFlagsRemove("2", ["\\Flagged"], { uid: true });
await flow.messageFlagsSet("3", ["\\Answered"], { uid: true });
tells("flags", (await flow.fetchAll("2:3", { flags: true }, { uid: true })).map((message) => message.flags));
await flow.mailboxCreate(["Projets", "Été"]);
await flow.mailboxRename("Projets/Été", "Projets/Hiver 🌨");
const copied = await flow.messageCopy("2", "Projets/Hiver 🌨", { uid: true });
const moved = await flow.messageMove("3", "Trash", { uid: true });
tells("uids", [copied.uidMap, moved.uidMap]);
tells("deleted", await flow.messageDelete("4", { uid: true }));
tells("left", await flow.search({ all: true }, { uid: true }));

const idling = flow.idle();
const came = event(flow, "exists");
await asks("put");
tells("exists", await came);
const flagged = event(flow, "flags");
await asks("flag");
const change = await flagged;
tells("flagged", [change.uid, change.flags]);
const gone = event(flow, "expunge");
await asks("expunge");
tells("expunged", await gone);
await flow.noop();
await idling;

await flow.fetchAll("1:*", { uid: true, flags: true });
box = flow.mailbox;
const known = { changedSince: box.highestModseq, uidValidity: box.uidValidity };
await flow.logout();

await asks("days");
flow = client();
const changes = [], vanished = [];
flow.on("flags", (each) => changes.push([each.uid, each.flags]));
flow.on("expunge", (each) => vanished.push([each.uid, each.vanished, each.earlier ?? false]));
await flow.connect();
box = await flow.mailboxOpen("INBOX", known);
await flow.noop();
tells("resynchronised", { changes, vanished, exists: box.exists });
tells("newer", (await flow.fetchAll("1:*", { uid: true }, { uid: true, changedSince: known.changedSince })).map((message) => message.uid));
await flow.mailboxDelete("Projets/Hiver 🌨");
tells("folders at last", (await flow.list()).map((each) => each.path));
await flow.logout();
tells("complaints", complaints);
process.exit(0);
