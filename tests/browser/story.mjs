// The whole life of a patient in the webmail, from the one-time code to the copy of everything.
// Once with scripts and a passkey, once without scripts. The test judges what was seen.
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { start, told } from "./chromium.mjs";
import { ask, finish } from "./asking.mjs";

const AXE = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf-8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const { words } = told;

const browser = await start();
const context = await browser.newContext({
  reducedMotion: "reduce",
  ignoreHTTPSErrors: !told.pin, javaScriptEnabled: told.scripts, viewport: { width: 390, height: 844 }, locale: "fr-FR",
});
const page = await context.newPage();
page.setDefaultTimeout(30000);
const seen = { base: told.base, outside: [], broken: [], wide: [], wrong: [], said: [], judged: [] };
page.on("request", (request) => {
  if (!request.url().startsWith(told.base + "/")) seen.outside.push(request.url());
});
page.on("response", (response) => {
  if (response.status() >= 400) seen.broken.push(`${response.status()} ${response.url()}`);
});
process.on("uncaughtException", async (error) => {
  const shown = await page.locator("main").innerText().catch(() => "");
  console.error(`${error.stack}\n${page.url()}\n${shown.slice(0, 1500)}`);
  process.exit(1);
});
page.on("pageerror", (error) => seen.said.push(`${page.url()} ${error.message}`));

// What is looked at: no wider than the screen, and axe finds nothing; each page once.
async function look(name) {
  if (seen.judged.includes(name)) return;
  seen.judged.push(name);
  const room = await page.locator("html").evaluate((root) => root.scrollWidth - root.clientWidth);
  if (room > 0) seen.wide.push(name);
  if (!told.scripts) return;
  await page.evaluate(AXE);
  const found = await page.evaluate(async (tags) => {
    const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags }, iframes: false, resultTypes: ["violations"] });
    return violations.map((one) => `${one.id} ${one.nodes[0].target.join(" ")}`);
  }, TAGS);
  for (const one of found) seen.wrong.push(`${name} ${one}`);
}

const main = () => page.locator("main").innerText();
const status = () => page.locator("main .toast[role=status]").innerText();
const link = (name) => page.getByRole("main").getByRole("link", { name }).first();
// whoever reads the page after a click would else read the one before
const moved = (button) => Promise.all([page.waitForNavigation({ waitUntil: "load" }), button.click()]);
const press = (name) => moved(page.getByRole("main").getByRole("button", { name }).first());
const follow = (name) => moved(link(name));
const go = (path) => page.goto(told.base + path);
const at = (pattern) => page.waitForURL(pattern);

async function bytesOf(pressing) {
  const [download] = await Promise.all([page.waitForEvent("download"), pressing()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  return [download.suggestedFilename(), createHash("sha256").update(content).digest("hex"), content];
}

// --- the way in ---------------------------------------------------------------------------------

await go("/activation");
await look("activation");
await page.getByLabel("Identifiant").fill(told.login);
await page.getByLabel("Code d'accès").fill(told.code);
await press("Continuer");
await look("mot de passe");
await page.getByLabel("Nouveau mot de passe").fill(told.password);
await page.getByLabel("Le même, encore une fois").fill(told.password);
await press("Continuer");
await look("second facteur");
const secret = (await page.locator("details .code").textContent()).trim();
const code = async () => (await ask("code", { secret })).code;
await page.getByLabel("Code affiché par l'application").fill(await code());
await press("Continuer");
await look("codes de secours");
seen.spare = await page.locator(".codes .code").count();
await follow("Je les ai notés");
await page.getByRole("heading", { name: /^Bonjour/ }).waitFor();

async function leave() {
  await moved(page.getByRole("button", { name: "Se déconnecter" }));
}

async function enter() {
  await page.getByLabel("Identifiant").fill(told.login);
  await page.getByLabel("Mot de passe").fill(told.password);
  await press("Continuer");
  await look("code");
  await page.getByLabel("Code à 6 chiffres").fill(await code());
  await press("Entrer");
  await page.getByRole("heading", { name: /^Bonjour/ }).waitFor();
}

await leave();
seen.left = await main();
await page.goBack();
await page.reload();
seen.back = new URL(page.url()).pathname;
await go("/connexion");
await look("connexion");
await enter();
await look("accueil");

if (told.scripts) {
  const devices = await context.newCDPSession(page);
  await devices.send("WebAuthn.enable");
  await devices.send("WebAuthn.addVirtualAuthenticator", { options: {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
    isUserVerified: true, automaticPresenceSimulation: true,
  } });
  await go("/compte/securite/cles");
  await look("clé d'accès");
  await page.getByLabel("Nom de cette clé").fill(words.passkey);
  await press("Créer la clé d'accès");
  await at(/\/compte\/securite(\?|$)/);
  await look("sécurité");
  seen.keys = await main();
  await leave();
  await press("Utiliser une clé d'accès");
  await page.getByRole("heading", { name: /^Bonjour/ }).waitFor();
}

// --- notices: an address, its code, what is told of --------------------------------------------

await go("/compte/notifications");
await page.getByLabel("Adresse de courriel personnelle").fill(told.contact);
await press("Envoyer un code");
await page.getByLabel("Code reçu par courriel").fill((await ask("letter", { to: told.contact })).code);
await look("notifications");
await press("Confirmer l'adresse");
seen.contact = await main();

// --- a message comes: read, saved, answered ----------------------------------------------------

await go("/accueil");
await ask("write");
if (told.scripts) {
  await page.locator("#direct p").first().waitFor();
  seen.live = await page.locator("#direct").innerText();
}
await go("/messages/recus");
await look("reçus");
seen.list = await main();
await moved(page.locator("a[href^='/messages/fils/']").first());
await look("échange");
seen.thread = await main();
await moved(page.getByRole("heading", { level: 2 }).getByRole("link", { name: words.subject }));
await look("message");
seen.message = await main();
const thumb = page.locator(".thumb img").first();
await thumb.scrollIntoViewIfNeeded();
await page.waitForFunction((image) => image.complete && image.naturalWidth > 0, await thumb.elementHandle(), { polling: 100 }).catch(() => {});
seen.thumb = await thumb.evaluate((image) => image.naturalWidth);
const pdf = page.locator(".piece", { hasText: told.pdfName });
await pdf.getByRole("combobox").selectOption({ label: "Biologie" });
await moved(pdf.getByRole("button", { name: /Enregistrer dans mon dossier/ }));
seen.saved = await status();
await look("document");
seen.document = await main();
const sheet = page.locator(".sheets img").first();
await sheet.scrollIntoViewIfNeeded();
await page.waitForFunction((image) => image.complete && image.naturalWidth > 0, await sheet.elementHandle(), { polling: 100 }).catch(() => {});
seen.sheet = await sheet.evaluate((image) => image.naturalWidth);
[seen.fileName, seen.digest] = await bytesOf(() => link(/^Télécharger/).click());
await follow("Voir le message");
await follow("Répondre");
await look("répondre");
await page.getByLabel("Votre message").fill(words.answer);
await page.getByLabel("Joindre des photos").setInputFiles({
  name: told.photoName, mimeType: "image/jpeg", buffer: Buffer.from(told.photo, "base64"),
});
await press("Envoyer");
seen.answered = await main();
await ask("arrived", { text: words.answer, for: "claire" });

// --- writing: a new conversation, whom one may not write to, a lock, a draft ---------------------

await go("/contacts");
await look("contacts");
seen.contacts = await main();
await go("/messages/nouveau");
await look("écrire");
seen.offered = await main();
// a form that somebody changed: a professional who takes no messages of this patient
const box = page.locator("input[name=destinataire]").first();
await box.evaluate((one, address) => { one.value = address; one.checked = true; }, told.paul);
await page.getByLabel("Votre message").fill(words.question);
await press("Envoyer");
seen.forged = await main();
await look("refus");
await go("/messages/nouveau");
await page.getByLabel(told.pharmacy).check();
await page.getByLabel("Objet").fill(words.ownSubject);
await page.getByLabel("Votre message").fill(words.question);
await ask("lock");
await press("Envoyer");
await at(/\/deverrouiller/);
await look("verrou");
seen.locked = await main();
await page.getByLabel("Mot de passe").fill(told.password);
await press("Déverrouiller");
await page.getByLabel("Votre message").waitFor();
seen.resumed = await page.getByLabel("Votre message").inputValue();
await press("Enregistrer le brouillon");
seen.kept = await status();
await look("brouillon");
await go("/messages/brouillons");
await look("brouillons");
seen.drafts = await main();
await moved(page.locator("a[href^='/messages/brouillons/']").first());
seen.draft = await page.getByLabel("Votre message").inputValue();
await press("Envoyer");
seen.sent = await main();
await ask("arrived", { text: words.question, for: "pharmacy" });
await go("/messages/brouillons");
seen.noDrafts = await main();
await go("/messages/envoyes");
await look("envoyés");

// --- lists: search, archive, bin ---------------------------------------------------------------

await go("/messages/recus");
await page.getByLabel(/Chercher dans/).first().fill(words.rare);
await press("Chercher");
await look("recherche");
seen.searched = await main();
await go("/messages/recus");
await page.getByLabel(new RegExp(`^Choisir l'échange avec ${told.claire}`)).check();
await press("Archiver");
seen.archived = await status();
await go("/messages/archives");
await look("archives");
seen.archives = await main();
await page.getByLabel(new RegExp(`^Choisir l'échange avec ${told.claire}`)).check();
await press("Mettre à la corbeille");
await go("/messages/corbeille");
await look("corbeille");
seen.bin = await main();
await page.getByLabel(/^Choisir le message/).first().check();
await press("Restaurer");
seen.restored = await status();

// --- a message that nobody vouches for: its banner ------------------------------------------------

await ask("elsewhere");
await go("/messages/recus");
await moved(page.locator("a[href^='/messages/fils/']").first());
await look("douteux");
seen.unproved = await main();

// --- the record: upload, describe, search, mask and unmask, take along, remove, journal ------------

await go("/dossier/ajouter");
await look("ajouter");
await page.locator("#fichiers").setInputFiles({
  name: told.ownName, mimeType: "application/pdf", buffer: Buffer.from(told.own, "base64"),
});
await press("Ajouter à mon dossier");
await at(/\/modifier/);
await look("décrire");
await page.getByLabel("Titre").fill(words.title);
await press("Enregistrer");
seen.described = await main();
await go("/dossier");
await look("dossier");
await page.getByLabel("Chercher dans mon dossier").fill(words.titleWord);
await press("Chercher");
seen.found = await main();
await follow(new RegExp(words.titleWord));
await press("Masquer aux professionnels");
seen.masked = await main();
await press("Ne plus masquer");
seen.unmasked = await status();
await go("/dossier");
const choices = page.locator("input[name=document]");
seen.chosen = await choices.count();
for (const choice of await choices.all()) await choice.check();
const taken = await bytesOf(() => page.getByRole("button", { name: "Télécharger les documents choisis" }).click());
seen.severalName = taken[0];
seen.several = taken[2].toString("base64");
await go("/dossier/ajouter");
await page.locator("#fichiers").setInputFiles({
  name: told.otherName, mimeType: "application/pdf", buffer: Buffer.from(told.other, "base64"),
});
await press("Ajouter à mon dossier");
await at(/\/modifier/);
const other = new URL(page.url()).pathname.replace("/modifier", "");
await go(other);
await follow("Supprimer");
await look("supprimer");
await press("Supprimer définitivement");
seen.removed = await status();
seen.remaining = await main();
await go("/dossier/journal");
await look("journal");
seen.journal = await main();
await go("/dossier/journal?cote=autres");
seen.others = await main();

// --- the copy of everything ----------------------------------------------------------------------

async function confirmed() {
  if (!page.url().includes("/confirmer")) return;
  await look("confirmer");
  await page.getByRole("main").getByRole("textbox").first().fill(await code());
  await press("Continuer");
}

await go("/compte/export");
await look("copie");
await press("Préparer ma copie");
await confirmed();
if (await page.getByRole("button", { name: "Préparer ma copie" }).count()) await press("Préparer ma copie");
for (let tries = 0; tries < 120; tries += 1) {
  await go("/compte/export");
  if (await page.getByRole("link", { name: "Télécharger ma copie" }).count()) break;
  await new Promise((resolve) => setTimeout(resolve, 500));
}
await look("copie prête");
const [name, , content] = await bytesOf(() => link("Télécharger ma copie").click());
seen.copyName = name;
seen.copy = content.toString("base64");
await go("/compte");
await look("compte");
await go("/aide");
await look("aide");
await go("/accueil");
await leave();
await browser.close();
finish(seen);
