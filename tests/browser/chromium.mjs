// Starts Debian's Chromium with nothing that reaches for the network, and reads what we are told.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

// told in a file when the script also asks as it goes (see asking.mjs), else on standard input
export const told = JSON.parse(readFileSync(process.argv[2] ?? 0, "utf-8"));

export async function start() {
  return chromium.launch({
    executablePath: told.chromium,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
      // passkeys want a certificate that is believed, not one whose errors are overlooked
      ...(told.pin ? [`--ignore-certificate-errors-spki-list=${told.pin}`] : []),
    ],
  });
}

export async function giveLogin(page) {
  await page.goto(told.base + "/connexion");
  await page.getByLabel("Identifiant").fill(told.login);
  await page.getByLabel("Mot de passe").fill(told.password);
  await page.getByRole("button", { name: "Continuer" }).click();
  await page.getByLabel("Code à 6 chiffres").waitFor();
}

export async function signIn(page) {
  await giveLogin(page);
  await page.getByLabel("Code à 6 chiffres").fill(told.code);
  await page.getByRole("button", { name: "Entrer" }).click();
  await page.getByRole("heading", { name: /^Bonjour/ }).waitFor();
}
