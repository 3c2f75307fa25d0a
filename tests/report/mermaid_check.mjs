// Reads flowcharts as a JSON list from standard input and writes, for each, what Mermaid says of it: null or the error.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<body></body>");
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
const errors = [];
for (const chart of JSON.parse(readFileSync(0, "utf8"))) {
  errors.push(
    await mermaid.parse(chart).then(
      () => null,
      (error) => String(error.message),
    ),
  );
}
process.stdout.write(JSON.stringify(errors));
