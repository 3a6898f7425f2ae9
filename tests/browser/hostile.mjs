// Shows every hostile vector: alone as the sanitiser leaves it, and in whole pages as served.
// What ran says so on the console (alert is ours), what left is a request to another origin.
import { start, told } from "./chromium.mjs";

const browser = await start();
const seen = { control: [], left: 0, ran: [], outside: [], alive: [], pages: 0, narrative: 0, typed: 0, drafts: 0 };
const FRAMES = 64;

async function visitor(tell, leave, signedIn) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "fr-FR" });
  await context.addInitScript(() => {
    globalThis.alert = globalThis.print = (said) => console.info(`ran ${said}`);
  });
  context.on("console", (line) => {
    if (line.text().startsWith("ran ")) tell(line.text());
  });
  context.on("request", (request) => {
    if (/^(https?|wss?):/.test(request.url()) && !request.url().startsWith(told.base + "/")) leave(request.url());
  });
  await context.route((url) => url.origin !== told.base, (route) => route.abort());
  if (signedIn) await context.addCookies([{ name: told.cookie, value: told.sessions.patient, url: told.base, secure: true }]);
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  return [context, page];
}

// The control: each in a frame of its own, no policy and no sandbox; what can be hit is hit.
async function alone(page, documents) {
  for (let at = 0; at < documents.length; at += FRAMES) {
    await page.goto("about:blank");
    await page.evaluate(async (some) => {
      const frames = some.map((one) => {
        const frame = document.createElement("iframe");
        const loaded = new Promise((resolve) => {
          frame.onload = resolve;
          setTimeout(resolve, 1500);
        });
        frame.srcdoc = one;
        document.body.append(frame);
        return [frame, loaded];
      });
      await Promise.all(frames.map(([, loaded]) => loaded));
      for (const [frame] of frames) {
        const inner = frame.contentDocument;
        for (const one of inner?.querySelectorAll("a, area, button, input, svg a, math, [onclick], [onmouseover], [onpointerenter]") ?? []) {
          for (const kind of ["mouseover", "pointerenter", "click"]) one.dispatchEvent(new MouseEvent(kind, { bubbles: true, cancelable: true }));
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 150));
    }, documents.slice(at, at + FRAMES));
  }
}

// What the sanitiser left: each parsed by itself and looked through, then all of them shown.
async function together(page, documents) {
  await page.goto("about:blank");
  const acting = await page.evaluate((some) => some.flatMap((one, number) => {
    const parsed = new DOMParser().parseFromString(one, "text/html");
    return [...parsed.body.querySelectorAll("*")].flatMap((element) => {
      const names = element.getAttributeNames().filter((name) => !["title", "colspan", "rowspan"].includes(name));
      const isPlain = element instanceof HTMLElement && !/SCRIPT|STYLE|IFRAME|IMG|OBJECT|EMBED|FORM|INPUT|BUTTON|LINK|META|BASE|TEMPLATE/.test(element.tagName);
      return isPlain && !names.length ? [] : [`vector ${number}: ${element.tagName} ${names}`];
    });
  }), documents);
  seen.alive.push(...acting);
  for (let at = 0; at < documents.length; at += FRAMES) {
    await page.setContent(documents.slice(at, at + FRAMES).map((one) => `<div>${one.replace(/^.*<body>|<\/body>.*$/gs, "")}</div>`).join("\n"));
    await page.evaluate(() => {
      for (const one of document.querySelectorAll("*")) {
        for (const kind of ["mouseover", "click"]) one.dispatchEvent(new MouseEvent(kind, { cancelable: true }));
      }
    });
  }
}

{
  const ran = new Set();
  const left = new Set();
  const [context, page] = await visitor((said) => ran.add(said), (address) => left.add(address), false);
  await alone(page, told.control.map((one) => `<!doctype html><body>${one}`));
  await context.close();
  seen.control = [...ran];
  seen.left = left.size;
}

{
  const [context, page] = await visitor((said) => seen.ran.push(`cleaned: ${said}`), (address) => seen.outside.push(`cleaned: ${address}`), false);
  await together(page, told.cleaned);
  await context.close();
}

const [context, page] = await visitor((said) => seen.ran.push(`${page.url()} ${said}`), (address) => seen.outside.push(`${page.url()} ${address}`), true);

async function look(path) {
  await page.goto(told.base + path, { waitUntil: "load" });
  seen.pages += 1;
  const alive = await page.evaluate(() => {
    for (const one of document.querySelectorAll("details")) one.open = true;
    const own = (address) => new URL(address, location.href).origin === location.origin;
    const found = [];
    for (const one of document.querySelectorAll("*")) {
      for (const { name, value } of one.attributes) {
        if (name.startsWith("on") || name === "style" || name === "srcdoc") found.push(`${one.tagName} ${name}`);
        if (["href", "src", "action", "formaction", "data", "poster", "xlink:href"].includes(name) && !own(value)) found.push(`${one.tagName} ${name} ${value}`);
      }
      if (one.tagName === "SCRIPT" && (one.textContent || !own(one.src))) found.push("SCRIPT");
      if (one.tagName === "STYLE" || one.tagName === "BASE" || one.tagName === "OBJECT" || one.tagName === "EMBED") found.push(one.tagName);
    }
    return found;
  });
  for (const one of alive) seen.alive.push(`${path.slice(0, 60)} ${one}`);
}

for (const path of ["/messages/recus", "/messages/envoyes", "/accueil", "/compte"]) await look(path);
for (let uid = 1; uid <= told.messages; uid += 1) {
  await look(`/messages/recus/${uid}`);
  // outside its frame the layout is harmless all the same
  if (uid < told.messages) await page.goto(`${told.base}/messages/recus/${uid}/forme`);
}
for (let thread = 1; thread <= told.threads; thread += 1) {
  await look(`/messages/fils/${thread}`);
  await look(`/messages/fils/${thread}?imprimer=1`);
}
await look("/messages/recus/1?imprimer=1");
await look("/messages/recus/1/pieces/1.2");
await look("/messages/recus/1/repondre").catch(() => {});
for (const id of told.documents) {
  await look(`/dossier/${id}`);
  seen.narrative = Math.max(seen.narrative, await page.locator(".narrative p, .narrative li, .narrative td, .narrative th").count());
}
await look(`/dossier/${told.documents[1]}/modifier`);
let next = "/dossier";
while (next) {
  await look(next);
  next = await page.locator("nav.pager a[href*=avant]").first().getAttribute("href").catch(() => null).then((one) => one, () => null);
  if (seen.pages > 400) break;
}
for (const some of told.groups) {
  const word = encodeURIComponent(some.join(" "));
  const query = ["mots", "auteur", "categorie", "avant"].map((name) => `${name}=${word}`).join("&");
  await look(`/dossier?${query}`);
}
for (const some of told.groups.slice(0, 4)) {
  const word = encodeURIComponent(some.join(" "));
  for (const path of ["/messages/recherche?q=alert", `/messages/recherche?q=${word}&dans=${word}&avant=${word}`, `/contacts?q=${word}&page=${word}`]) await look(path);
}
for (const path of ["/messages/archives", "/messages/corbeille", "/messages/corbeille/vider", "/contacts", "/dossier/regles", "/compte/export", "/compte/securite"]) await look(path);

// A draft with the vectors in its subject, its text and the name of its file.
for (const some of told.groups.slice(0, 3)) {
  await page.goto(told.base + "/messages/nouveau");
  await page.getByLabel("Objet").evaluate((one, text) => { one.removeAttribute("maxlength"); one.value = text; }, some.slice(0, 6).join(" "));
  await page.getByLabel("Votre message").fill(some.join("\n"));
  await page.locator("#fichiers").setInputFiles({ name: some[0].replaceAll("/", "\u2215").replaceAll("\0", "").slice(0, 100) + ".txt", mimeType: "text/plain", buffer: Buffer.from("Note.") });
  await Promise.all([page.waitForNavigation(), page.locator("button[name=acte][value=brouillon]").last().click()]);
  const draft = new URL(page.url()).pathname;
  if (draft.startsWith("/messages/brouillons/")) seen.drafts += 1;
  await look(draft);
  await look(draft + "/supprimer");
  await look(draft + `/documents?mots=${encodeURIComponent(some.slice(0, 3).join(" "))}`);
  await look("/messages/brouillons");
}
for (const path of ["/messages/nouveau", "/messages/recus", "/dossier/journal", "/compte/notifications", "/aide"]) {
  await look(`${path}?fait=${encodeURIComponent(told.vectors[0])}&a=${encodeURIComponent(told.vectors.slice(0, 20).join(" "))}&avant=${encodeURIComponent(told.vectors[2])}`);
}

// What a form brings back when something is wrong with it.
await page.goto(told.base + "/messages/nouveau");
await page.getByLabel("Objet").evaluate((one, text) => { one.removeAttribute("maxlength"); one.value = text; }, told.vectors.slice(0, 6).join(" "));
await page.getByLabel("Votre message").fill(told.vectors.join("\n"));
await page.locator("main form button.main").click();
await page.locator(".mistakes").waitFor();
seen.typed = (await page.getByLabel("Votre message").inputValue()).length;
await context.close();

const [stranger, door] = await visitor((said) => seen.ran.push(`door ${said}`), (address) => seen.outside.push(`door ${address}`), false);
for (const at of [0, 8]) {
  await door.goto(told.base + "/connexion");
  await door.getByLabel("Identifiant").evaluate((one, text) => { one.value = text; }, told.vectors.slice(at, at + 8).join(" "));
  await door.getByLabel("Mot de passe").fill("x");
  await door.getByRole("button", { name: "Continuer" }).click();
  await door.waitForLoadState("load");
}
await stranger.close();
await browser.close();
process.stdout.write(JSON.stringify(seen));
