// node browser.cjs CHROMIUM PAGE: prints, as JSON by width, axe's violations and by how much the page is too wide.
const { chromium } = require("playwright-core");
const axe = require("axe-core");

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

(async () => {
  const [executablePath, page, picture] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath, args: flags });
  const found = {};
  for (const width of [1280, 390]) {
    const tab = await browser.newPage({ viewport: { width, height: 844 } });
    const asked = [];
    const messages = [];
    tab.on("request", (request) => asked.push(request.url().slice(0, 60)));
    tab.on("console", (message) => messages.push(message.text()));
    await tab.goto("file://" + page);
    await tab.evaluate(axe.source);
    const { violations } = await tab.evaluate(() => window.axe.run());
    const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    const blank = await tab.evaluate(() => [...document.images].filter((image) => !image.naturalWidth).length);
    if (picture) await tab.screenshot({ path: picture + width + ".png", fullPage: true });
    const nodes = (rule) => rule.nodes.map((node) => node.html.slice(0, 200) + " " + node.failureSummary);
    found[width] = {
      violations: violations.map((rule) => ({ id: rule.id, nodes: nodes(rule).slice(0, 3) })),
      overflow, blank, messages,
      requests: asked.filter((address) => !/^(file|data):/.test(address)),
    };
  }
  await browser.close();
  console.log(JSON.stringify(found, null, 1));
})().catch((error) => { console.error(error); process.exit(1); });
