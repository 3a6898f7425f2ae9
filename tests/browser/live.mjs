// Two pages of one patient: what happens in the second is told in the first, which is never loaded
// again. Prints what the first one showed as one JSON object.
import { readFileSync } from "node:fs";
import { signIn, start, told } from "./chromium.mjs";

const AXE = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf-8");

const found = { said: [], wrong: [] };
const browser = await start();
const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "fr-FR", reducedMotion: "reduce" });
const page = await context.newPage();
page.on("pageerror", (error) => found.said.push(error.message));
page.on("console", (line) => { if (line.type() === "error") found.said.push(line.text()); });
await signIn(page);

const badge = page.locator("#non-lus");
const place = page.locator("#direct");
found.before = [await badge.innerText(), await place.innerText()];
let loads = 0;
page.on("load", () => { loads += 1; });
await page.getByRole("link", { name: "Aide" }).first().focus();

const other = await context.newPage();
await other.goto(told.base + "/messages/recus/1");
await page.waitForFunction(() => document.querySelector("#non-lus > span").textContent === "1");
found.read = await badge.innerText();

await other.goto(told.base + "/dossier/ajouter");
await other.locator("#fichiers").setInputFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("Bonjour.") });
await other.locator("main form button.main").click();
await other.waitForURL(/modifier/);
await place.locator("a").waitFor();
found.filed = [await place.innerText(), await place.locator("a").getAttribute("href")];
found.focused = await page.evaluate(() => document.activeElement.textContent.trim());
found.loads = loads;

await page.evaluate(AXE);
const result = await page.evaluate(() => axe.run(document, { iframes: false }));
for (const one of result.violations) found.wrong.push(`${one.id}: ${one.nodes[0].target.join(" ")}`);

await place.locator("a").click();
await page.waitForURL(/\/dossier/);
found.after = await page.locator("#direct").innerText();

await context.close();
await browser.close();
process.stdout.write(JSON.stringify(found));
