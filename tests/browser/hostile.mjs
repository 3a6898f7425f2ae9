// Opens every page that shows a hostile message, scripts allowed, and tells what ran or left.
import { start, signIn, told } from "./chromium.mjs";

const browser = await start();
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const seen = { ran: [], outside: [], errors: [] };
const page = await context.newPage();
page.on("dialog", (dialog) => { seen.ran.push(dialog.message()); dialog.dismiss(); });
context.on("request", (request) => {
  if (!request.url().startsWith(told.base + "/")) seen.outside.push(request.url());
});
await signIn(page);
for (const path of told.paths) {
  await page.goto(told.base + path, { waitUntil: "load" });
  for (const details of await page.locator("details").all()) {
    await details.evaluate((one) => { one.open = true; });
  }
  await page.waitForLoadState("networkidle");
  for (const frame of page.frames()) {
    const marked = await frame.evaluate(() => globalThis.ran === true).catch(() => false);
    if (marked) seen.ran.push(frame.url());
  }
}
// a layout opened outside its frame stays harmless: its own policy sandboxes it
for (const path of told.layouts) {
  await page.goto(told.base + path);
  if (await page.evaluate(() => globalThis.ran === true).catch(() => false)) seen.ran.push(path);
}
await browser.close();
process.stdout.write(JSON.stringify(seen));
