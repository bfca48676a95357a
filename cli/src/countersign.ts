#!/usr/bin/env node
// What the command of the installed package runs. An older Node could not even read the rest of it.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 12)) {
  await import('./main.ts');
} else {
  process.stderr.write(`countersign: Node 24.12 or later is needed, and this is ${process.versions.node}\n`);
  process.exitCode = 1;
}
