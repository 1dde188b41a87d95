// The page of `bnes report` as people meet it: opened from disk in a real Chromium.
//
// `.ci/run` installs Chromium and what package.json names, and runs this; by hand: `cargo build --release`, here
// `npm ci`, then `npm test`. CHROMIUM and BNES name other programs than `chromium` and the release build.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import axe from "axe-core";
import { HtmlValidate } from "html-validate";
import puppeteer from "puppeteer-core";

const BNES = resolve(process.env.BNES ?? fileURLToPath(new URL("../../target/release/bnes", import.meta.url)));
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1600, height: 1000 };

// Names that try to be markup, and the cases that a page has to bear.
const CONFIGS = {
  two: `
name = "two by two"
[data]
source = "t\\"><script>alert(1)<.csv"
[model]
hidden = [8]
[training]
epochs = 12
[matrix]
"model.norm.kind" = ["none", "batch"]
early_stopping = [{ kind = "none" }, { kind = "patience", patience = 1 }]
seed = "0..6"
`,
  one: `
data.source = "digits"
[model]
hidden = [4]
[training]
epochs = 3
`,
  diverged: `
data.source = "digits"
[model]
hidden = [8]
[training]
epochs = 4
[matrix]
"training.optimizer" = [{ kind = "adam" }, { kind = "sgd", lr = 1e30 }]
seed = "0..4"
`,
  sets: `
[model]
hidden = [4]
[training]
epochs = 3
[matrix]
"data.source" = ["digits", "t\\"><script>alert(1)<.csv"]
"model.norm.kind" = ["none", "batch", "layer"]
seed = "0..3"
`,
};

function table() {
  const rows = ["x<i>,y,class"];
  for (let at = 0; at < 120; at++) {
    const side = at % 2;
    rows.push(`${(Math.sin(at * 2.4) + 1.5 * side).toFixed(4)},${Math.cos(at * 2.4).toFixed(4)},${side ? "</script><b>" : "b'"}`);
  }
  return rows.join("\n") + "\n";
}

let folder, browser;
const pages = {};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "bnes-browser-"));
  writeFileSync(join(folder, 't"><script>alert(1)<.csv'), table());
  const bnes = (...words) => {
    try {
      execFileSync(BNES, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    } catch (error) {
      // A training that diverges is an exit status of its own.
      if (error.status !== 1) throw error;
    }
  };
  for (const [name, config] of Object.entries(CONFIGS)) {
    writeFileSync(join(folder, `${name}.toml`), config);
    bnes("run", "--config", `${name}.toml`, "--results", name, "--quiet");
    bnes("report", name, "--output", `${name}.html`);
    pages[name] = join(folder, `${name}.html`);
  }
  const chromium = process.env.CHROMIUM ?? execFileSync("sh", ["-c", "command -v chromium"]).toString().trim();
  browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** A tab on a page, with what it fetched and what its console said. */
async function open(name, { at = DESK, dark = false, script = true, hash = "" } = {}) {
  const tab = await browser.newPage();
  const [fetched, said] = [[], []];
  tab.on("request", (request) => { if (!request.url().startsWith("data:")) fetched.push(request.url()); });
  tab.on("console", (message) => said.push(message.text()));
  tab.on("pageerror", (error) => said.push(String(error)));
  await tab.setJavaScriptEnabled(script);
  await tab.setViewport(at);
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  await tab.goto(pathToFileURL(pages[name]).href + hash, { waitUntil: "load" });
  return { tab, fetched, said };
}

const names = Object.keys(CONFIGS);

describe("every page", () => {
  for (const name of names) {
    for (const [at, width] of [[PHONE, "a phone"], [DESK, "a desk"]]) {
      for (const dark of [false, true]) {
        test(`${name} opens on ${width}, ${dark ? "dark" : "light"}: nothing fetched, nothing said, nothing wider than the screen`, async () => {
          const { tab, fetched, said } = await open(name, { at, dark });
          assert.equal(fetched.length, 1, fetched.join(" "));
          assert.deepEqual(said, []);
          const [wide, screen] = await tab.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
          assert.ok(wide <= screen, `${wide} > ${screen}`);
          const ground = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
          const light = ground.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) > 380;
          assert.equal(light, !dark, ground);
          await tab.close();
        });
      }
    }

    test(`${name} has no serious finding of axe in either theme`, async () => {
      for (const dark of [false, true]) {
        const { tab } = await open(name, { dark });
        // The page's own policy lets no other script in: this one comes from outside of the page.
        const client = await tab.createCDPSession();
        await client.send("Page.setBypassCSP", { enabled: true });
        await tab.reload();
        await tab.evaluate(axe.source);
        const { violations } = await tab.evaluate(() => window.axe.run());
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 200), nodes[0].failureSummary]), []);
        await tab.close();
      }
    });

    test(`${name} is valid HTML`, async () => {
      const checker = new HtmlValidate({
        extends: ["html-validate:standard"],
        // The page has a style and a script of its own, which its policy names by hash.
        rules: { "no-inline-style": "off", "require-sri": "off" },
      });
      const { results } = await checker.validateString(readFileSync(pages[name], "utf8"));
      const found = results.flatMap(({ messages }) => messages).filter(({ severity }) => severity === 2);
      assert.deepEqual(found.slice(0, 10).map(({ ruleId, message, line, column }) => `${line}:${column} ${ruleId}: ${message}`), []);
    });

    test(`${name} has its charts where scripts are off`, async () => {
      const { tab } = await open(name, { script: false });
      const charts = await tab.$$eval("figure svg", (all) => all.map((svg) => svg.getBoundingClientRect().height));
      assert.ok(charts.length >= 1 && charts.every((height) => height > 40), String(charts));
      const told = await tab.$$eval("figure", (all) => all.map((figure) =>
        Boolean(figure.querySelector("figcaption")?.textContent.trim()) && Boolean(figure.querySelector("details table"))));
      assert.ok(told.every(Boolean), "each chart has a sentence and a folded table of its numbers");
      await tab.close();
    });

    test(`${name} prints on light paper without its switches`, async () => {
      const { tab } = await open(name, { dark: true });
      await tab.emulateMediaType("print");
      const ink = await tab.evaluate(() => getComputedStyle(document.body).color);
      assert.ok(ink.match(/\d+/g).slice(0, 3).every((part) => Number(part) < 100), ink);
      const switches = await tab.$$eval(".controls, #theme", (all) => all.filter((one) => one.getClientRects().length).length);
      assert.equal(switches, 0);
      const paper = await tab.pdf({ format: "A4" });
      assert.ok(paper.length > 10_000);
      await tab.close();
    });
  }
});

describe("the curves", () => {
  const readout = (tab) => tab.$eval(".readout", (line) => line.textContent);

  test("tell their values to the pointer and to the arrow keys", async () => {
    const { tab, said } = await open("two");
    // The pointer's arrival draws the chart anew.
    await (await tab.$(".curves figure svg")).hover();
    await (await tab.$(".curves figure svg")).hover();
    await tab.waitForFunction(() => document.querySelector(".readout").textContent.startsWith("Epoch"));
    const pointed = await readout(tab);
    assert.match(pointed, /n = \d/);
    await focus(tab, ".curves figure svg");
    await tab.keyboard.press("ArrowRight");
    const stepped = await readout(tab);
    assert.match(stepped, /^Epoch \d+\. /);
    assert.notEqual(stepped, pointed);
    assert.deepEqual(said, []);
    await tab.close();
  });

  test("are switched by the keyboard alone, and the address shows a colleague the same view", async () => {
    const { tab } = await open("two");
    await tab.focus(".curves select");
    await tab.keyboard.type("val_acc");
    await tab.keyboard.press("Tab");
    await tab.keyboard.press("Tab");
    await tab.keyboard.press("Space");
    await tab.focus(".curves button");
    await tab.keyboard.press("Enter");
    const shown = await tab.$eval(".curves figure svg", (svg) => svg.outerHTML);
    const hash = await tab.evaluate(() => location.hash);
    for (const part of ["column=val_accuracy", "seeds=1", "off=0"]) assert.ok(hash.includes(part), hash);
    const other = await open("two", { hash });
    assert.equal(await other.tab.$eval(".curves figure svg", (svg) => svg.outerHTML), shown);
    await other.tab.close();
    await tab.close();
  });

  test("keep their marks when they are drawn again", async () => {
    const { tab } = await open("two");
    const marks = () => tab.$eval(".curves figure", (figure) => ({
      dots: figure.querySelectorAll("svg circle").length,
      lines: figure.querySelectorAll("svg path").length,
    }));
    const still = await marks();
    await (await tab.$(".curves figure svg")).hover();
    await focus(tab, ".curves figure svg");
    await tab.keyboard.press("ArrowRight");
    const drawn = await marks();
    assert.ok(drawn.dots >= still.dots, `${drawn.dots} dots of ${still.dots}`);
    await tab.close();
  });
});

describe("the table of trainings", () => {
  test("is sorted and sifted by the keyboard, and a row lifts its seed in the curves", async () => {
    const { tab } = await open("two");
    await tab.focus("table.runs th button");
    await tab.keyboard.press("Enter");
    assert.equal(await tab.$eval("table.runs th", (heading) => heading.getAttribute("aria-sort")), "ascending");
    await tab.focus("#filter");
    await tab.keyboard.type("patience");
    const rows = await tab.$$eval("table.runs tbody tr", (all) => all.filter((row) => !row.hidden).length);
    assert.equal(rows, 12);
    await tab.evaluate(() => [...document.querySelectorAll("table.runs tbody tr")].find((row) => !row.hidden).focus());
    await tab.keyboard.press("Enter");
    assert.equal(await tab.$$eval(".curves path.lifted", (all) => all.length), 1);
    assert.match(await tab.evaluate(() => location.hash), /seed=\d/);
    await tab.close();
  });
});

test("the switch of the theme works and is remembered in the address", async () => {
  const { tab } = await open("one");
  await tab.focus("#theme");
  await tab.keyboard.press("Enter");
  assert.equal(await tab.evaluate(() => document.documentElement.dataset.theme), "dark");
  assert.match(await tab.evaluate(() => location.hash), /theme=dark/);
  await tab.close();
});

/** Puts the focus on an element of whatever kind. */
async function focus(tab, selector) {
  await tab.evaluate((selector) => document.querySelector(selector).focus(), selector);
}
