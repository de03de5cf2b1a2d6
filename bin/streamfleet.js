#!/usr/bin/env node
// Plain JavaScript that any Node can read: an older one cannot even parse the TypeScript that follows.
var needed = 24;
var major = Number(process.versions.node.split(".")[0]);
if (major >= needed) {
  import("node:module").then(function (modules) {
    // The second start takes what the first has stripped and compiled: it is ready in a third of the time, with 20 MB less.
    modules.enableCompileCache();
    import("../main.ts").then(function (main) {
      return main.run(process.argv);
    });
  });
} else {
  console.error(
    "streamfleet: needs Node.js " +
      needed +
      " or newer, and this is " +
      process.versions.node +
      ": install it, or run `npm start`, which brings its own (where npm ran no install scripts: `npm rebuild node` first)",
  );
  process.exitCode = 1;
}
