#!/usr/bin/env node
// The command of the installed package runs this file. An older Node could not even parse the rest of the program, so the version is checked first.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 12)) {
  await import('./main.ts');
} else {
  process.stderr.write(`countersign: Node 24.12 or later is needed, and this is ${process.versions.node}\n`);
  process.exitCode = 1;
}
