// A patient without JavaScript: signs in, reads, keeps the PDF, answers with a photo, signs out.
// Prints what it saw as one JSON object; the test judges it.
import { createHash } from "node:crypto";
import { start, signIn, told } from "./chromium.mjs";

const browser = await start();
const context = await browser.newContext({
  ignoreHTTPSErrors: true, javaScriptEnabled: false, viewport: { width: 390, height: 844 }, locale: "fr-FR",
});
const page = await context.newPage();
page.setDefaultTimeout(15000);
const seen = { outside: [], broken: [], wide: [] };
page.on("request", (request) => {
  if (!request.url().startsWith(told.base + "/")) seen.outside.push(request.url());
});
page.on("response", (response) => {
  if (response.status() >= 400) seen.broken.push(`${response.status()} ${response.url()}`);
});

async function look(name) {
  const room = await page.locator("html").evaluate((root) => root.scrollWidth - root.clientWidth);
  if (room > 0) seen.wide.push(name);
}

await signIn(page);
await look("accueil");
await page.getByRole("link", { name: /nouveau message/ }).click();
await look("messages");
seen.list = await page.locator("main").innerText();
await page.getByRole("link", { name: /Vos résultats/ }).click();
await look("message");
seen.message = await page.locator("main").innerText();
const thumb = page.locator(".thumb img").first();
await thumb.scrollIntoViewIfNeeded();
await page.waitForLoadState("networkidle");
seen.thumb = await thumb.evaluate((image) => image.naturalWidth);

const pdf = page.locator(".piece", { hasText: told.pdfName });
await pdf.getByLabel("Catégorie").selectOption({ label: "Biologie" });
await pdf.getByRole("button", { name: /Enregistrer dans mon dossier/ }).click();
seen.saved = await page.locator("[role=status]").innerText();
await look("document");
seen.document = await page.locator("main").innerText();
await page.waitForLoadState("networkidle");
seen.sheet = await page.locator(".sheets img").first().evaluate((image) => image.naturalWidth);
const [download] = await Promise.all([
  page.waitForEvent("download"),
  page.getByRole("link", { name: "Télécharger" }).click(),
]);
const chunks = [];
for await (const chunk of await download.createReadStream()) chunks.push(chunk);
seen.digest = createHash("sha256").update(Buffer.concat(chunks)).digest("hex");
seen.fileName = download.suggestedFilename();

await page.getByRole("link", { name: "Voir le message" }).click();
await page.getByRole("link", { name: "Répondre" }).click();
await look("répondre");
await page.getByLabel("Votre message").fill("Merci docteur, voici la photo.");
await page.getByLabel("Joindre des photos").setInputFiles({
  name: "photo été.jpg", mimeType: "image/jpeg", buffer: Buffer.from(told.photo, "base64"),
});
await page.getByRole("button", { name: "Envoyer" }).click();
seen.sent = await page.locator("main").innerText();

await page.getByRole("link", { name: "Écrire" }).click();
await look("écrire");
seen.offered = await page.locator("main").innerText();
await page.goto(told.base + "/dossier");
await look("dossier");
seen.dossier = await page.locator("main").innerText();

await page.getByRole("button", { name: "Se déconnecter" }).click();
seen.left = await page.locator("main").innerText();
await page.goBack();
await page.reload();
seen.back = new URL(page.url()).pathname;
await browser.close();
process.stdout.write(JSON.stringify(seen));
