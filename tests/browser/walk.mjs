// Walks over every page as phone and desktop, in both themes and both languages, then without
// JavaScript; judges each by axe and a few rules of ours. Prints what it found as one JSON object.
import { readFileSync } from "node:fs";
import { start, told } from "./chromium.mjs";

const AXE = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf-8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
const LANGUAGE = { phone: "fr-FR", desktop: "en-GB" };
const TALLEST = 16000;

const found = { pages: 0, judged: 0, wrong: [], outside: [], said: [], wide: [], small: [], broken: [], bytes: {} };
const browser = await start();
const seen = new Set();
const files = new Set();

function listen(context, where) {
  context.on("request", (request) => {
    if (!request.url().startsWith(told.base + "/")) found.outside.push(`${where} ${request.url()}`);
  });
}

function hear(page) {
  page.on("pageerror", (error) => found.said.push(`${page.url()} ${error.message}`));
  page.on("console", (line) => {
    // a page of ours that says 404 is not a mistake of its script or policy
    if (line.type() === "error" && !/status of (404|409|422)/.test(line.text())) found.said.push(`${page.url()} ${line.text()}`);
  });
}

// Opens an address; true when it is a page to be judged.
async function open(page, stop, where) {
  if (files.has(stop.path)) return false;
  const first = seen.has(stop.path) ? null : await page.context().request.get(told.base + stop.path, { maxRedirects: 0 });
  if (first) {
    const status = first.status();
    if (status !== stop.status) found.broken.push(`${where} ${status}`);
    seen.add(stop.path);
    // in a sandbox nothing runs, axe neither: a letter's layout is judged by what it lets through
    const { "content-type": type = "", "content-security-policy": policy = "" } = first.headers();
    const isPage = type.startsWith("text/html") && !policy.includes("sandbox");
    if (status < 300 && !isPage) {
      files.add(stop.path);
      return false;
    }
  }
  await page.goto(told.base + stop.path, { waitUntil: "load" });
  return true;
}

// What axe finds; `only` narrows it to rules that hang on colours.
async function judge(page, where, only) {
  if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(AXE);
  const result = await page.evaluate(async ([tags, rules]) => {
    const run = rules ? { type: "rule", values: rules } : { type: "tag", values: tags };
    const { violations } = await axe.run(document, { runOnly: run, iframes: false, resultTypes: ["violations"] });
    return violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")).join(" | ")}`);
  }, [TAGS, only]);
  found.judged += 1;
  for (const one of result) found.wrong.push(`${where} ${one}`);
}

// Widths, sizes of what a thumb must hit, weight.
async function measure(page, stop, where) {
  const measured = await page.evaluate(() => {
    const root = document.documentElement;
    const held = "button, .button, input:not([type=hidden]):not([type=checkbox]):not([type=radio]), select, textarea, summary, nav a, label:has(> input)";
    const small = [...document.querySelectorAll(held)].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width > 1 && box.height > 1 && (box.height < 43.9 || box.width < 43.9);
    });
    const weighed = performance.getEntriesByType("resource").filter((one) => /\.(css|js|svg)(\?|$)/.test(one.name));
    const own = performance.getEntriesByType("navigation")[0];
    return {
      spare: root.scrollWidth - root.clientWidth,
      small: small.map((one) => `${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 30)}`),
      bytes: own.decodedBodySize + weighed.reduce((sum, one) => sum + one.decodedBodySize, 0),
      language: root.lang,
    };
  });
  if (measured.spare > 0) found.wide.push(where);
  for (const one of measured.small) found.small.push(`${where} ${one}`);
  found.bytes[stop.path] = Math.max(found.bytes[stop.path] ?? 0, measured.bytes);
  return measured;
}

async function draw(page, stop, size, theme) {
  if (!told.out) return;
  await page.evaluate(async () => {
    for (const image of document.images) image.loading = "eager";
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  });
  const height = Math.min(TALLEST, await page.evaluate(() => document.documentElement.scrollHeight));
  const before = page.viewportSize();
  await page.setViewportSize({ width: before.width, height: Math.max(before.height, height) });
  await page.screenshot({ path: `${told.out}/${stop.name}-${size}-${theme}.png` });
  await page.setViewportSize(before);
}

async function walk(context, stops, size) {
  const page = await context.newPage();
  hear(page);
  for (const stop of stops) {
    const where = `${size} ${stop.path}`;
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    if (!(await open(page, stop, where))) continue;
    found.pages += 1;
    const measured = await measure(page, stop, where);
    if (measured.language !== LANGUAGE[size].slice(0, 2)) found.broken.push(`${where} speaks ${measured.language}`);
    await judge(page, `${where} light`);
    await draw(page, stop, size, "light");
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await judge(page, `${where} dark`, ["color-contrast"]);
    await draw(page, stop, size, "dark");
  }
  await page.close();
}

// A browser that holds the session which a group of pages asks for.
async function visitor(who, options) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const value = told.sessions[who];
  if (value) await context.addCookies([{ name: told.cookie, value, url: told.base, secure: true }]);
  return context;
}

const groups = new Map();
for (const stop of told.stops) groups.set(stop.who, [...(groups.get(stop.who) ?? []), stop]);
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const [who, stops] of groups) {
    const context = await visitor(who, { viewport, locale: LANGUAGE[size] });
    listen(context, size);
    await walk(context, stops, size);
    if (who === "patient") await deeds(context, size);
    await context.close();
  }
}

// Pages that only a form shows: what is wrong with it.
async function deeds(context, size) {
  const page = await context.newPage();
  hear(page);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.goto(told.base + "/messages/nouveau");
  await page.locator("main form button.main").click();
  await page.locator(".mistakes").waitFor();
  const stop = { name: "ecrire-erreur", path: "/messages/nouveau" };
  await judge(page, `${size} a form with mistakes`);
  await measure(page, stop, `${size} a form with mistakes`);
  await draw(page, stop, size, "light");
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  await judge(page, `${size} a form with mistakes, dark`, ["color-contrast"]);
  await draw(page, stop, size, "dark");
  await page.close();
}

// Without JavaScript every page is still a page, whole, and no wider than the screen.
{
  const context = await visitor("patient", { viewport: SIZES.phone, javaScriptEnabled: false, locale: "fr-FR" });
  listen(context, "no script");
  const page = await context.newPage();
  for (const stop of groups.get("patient")) {
    if (!(await open(page, stop, "no script"))) continue;
    if ((await page.locator("h1").count()) !== 1) found.broken.push(`no script, no title ${stop.path}`);
  }
  await context.close();
}

await browser.close();
process.stdout.write(JSON.stringify(found));
