// Pictures of every main page, phone and desktop, light and dark, for eyes. See screens.py.
import { start, signIn, told } from "./chromium.mjs";

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 }, narrow: { width: 320, height: 640 } };
const browser = await start();
const first = await browser.newContext({ ignoreHTTPSErrors: true, locale: "fr-FR" });
const page = await first.newPage();
await signIn(page);
const storageState = await first.storageState();

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of size === "narrow" ? ["light"] : ["light", "dark"]) {
    for (const known of [true, false]) {
      const context = await browser.newContext({
        ignoreHTTPSErrors: true, locale: "fr-FR", viewport, colorScheme,
        storageState: known ? storageState : undefined,
      });
      const shown = await context.newPage();
      for (const [name, path] of Object.entries(known ? told.pages : told.anonymous)) {
        await shown.goto(told.base + path, { waitUntil: "networkidle" });
        await shown.evaluate(async () => {
          for (const image of document.images) image.loading = "eager";
          await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
        });
        await shown.screenshot({ path: `${told.out}/${name}-${size}-${colorScheme}.png`, fullPage: true });
      }
      await context.close();
    }
  }
}
await browser.close();
process.stdout.write("{}");
