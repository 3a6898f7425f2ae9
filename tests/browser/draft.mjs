// A message that is begun in one page: its draft saves itself, says so, survives a lost connection,
// takes a document of the record along and is sent. Prints what was seen as one JSON object.
import { readFileSync } from "node:fs";
import { signIn, start, told } from "./chromium.mjs";

const AXE = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf-8");

const found = { thrown: [], wrong: [], places: [] };
const browser = await start();
const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "fr-FR", reducedMotion: "reduce" });
const page = await context.newPage();
page.on("pageerror", (error) => found.thrown.push(error.message));
await signIn(page);
await page.goto(told.base + "/messages/nouveau");
let loads = 0;
page.on("load", () => { loads += 1; });

const text = page.getByLabel("Votre message"), said = page.locator("[data-saved]");
const place = () => new URL(page.url()).pathname;
found.quiet = await said.isVisible();
await text.fill("Bonjour");
await page.waitForURL(/brouillons\/\d+$/);
found.said = await said.innerText();
found.places.push(place());
await text.fill("Bonjour docteur,");
await page.waitForFunction((before) => location.pathname !== before, found.places[0]);
found.places.push(place());

await context.setOffline(true);
await text.fill("Bonjour docteur, une question.");
await page.waitForFunction(() => document.querySelector("[data-saved].error"));
found.trouble = await said.innerText();
await context.setOffline(false);
await page.waitForFunction(() => document.querySelector("[data-saved]:not(.error)")?.textContent);
found.loads = loads;

await page.evaluate(AXE);
const judged = await page.evaluate(() => axe.run(document, { iframes: false }));
for (const one of judged.violations) found.wrong.push(`${one.id}: ${one.nodes[0].target.join(" ")}`);

// another window saves: this one is told, and shown both
const other = await context.newPage();
await other.goto(page.url());
await other.getByLabel("Votre message").fill("Autre fenêtre.");
await other.waitForFunction(() => document.querySelector("[data-saved]").textContent);
await other.close();
await text.fill("Cette fenêtre.");
await page.waitForFunction(() => document.querySelector("[data-saved].error"));
await page.locator("main form button.main").focus();
await page.getByRole("button", { name: "Enregistrer le brouillon" }).click();
await page.getByRole("heading", { name: "La version enregistrée dans une autre fenêtre" }).waitFor();
found.both = [await page.getByLabel("Votre message").inputValue(), await page.locator(".other").innerText()];

await page.getByRole("checkbox", { name: /MARTIN/ }).check();
await page.getByLabel("Objet").fill("Ma question");
await page.getByRole("button", { name: "Joindre depuis mon dossier" }).click();
await page.getByRole("checkbox").first().check();
await page.getByRole("button", { name: "Joindre les documents choisis" }).click();
found.joined = await page.locator(".kept-file .choice-name").allInnerTexts();
await page.getByRole("button", { name: "Envoyer" }).click();
await page.waitForURL(/envoyes/);
await page.goto(told.base + "/messages/brouillons");
found.left = await page.locator("main .draft").count();

await context.close();
await browser.close();
process.stdout.write(JSON.stringify(found));
