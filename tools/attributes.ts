/** `node tools/attributes.ts` writes docs/attributes.md from the table of names in gateway/src/domain/own-attributes.ts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { factNames } from '../gateway/src/domain/facts-only.ts';
import { ownAttributes } from '../gateway/src/domain/own-attributes.ts';

const root = join(import.meta.dirname, '..');

/** Returns the document. Throws if a name has no description. */
export function attributesDocument(): string {
  const source = readFileSync(join(root, 'gateway', 'src', 'domain', 'own-attributes.ts'), 'utf8');
  const meanings = new Map([...source.matchAll(/\/\*\* (.*) \*\/\n  \w+: '([^']+)'/g)].map(([, meaning, name]) => [name, meaning]));
  const rows = Object.values(ownAttributes).map((name) => {
    const meaning = meanings.get(name);
    if (meaning === undefined) {
      throw new Error(`nobody says what ${name} is: give it a comment of one line`);
    }
    return `| \`${name}\` | ${meaning.replaceAll('|', '\\|')} |`;
  });
  return `# Attributes

Made by \`node tools/attributes.ts\` from the table that the gateway takes the names from.

The \`attributes\` of a record (\`countersign session show --json\`) have the names of the [OpenTelemetry semantic conventions](https://opentelemetry.io/docs/specs/semconv/) where there is one
(\`db.query.text\`, \`gen_ai.request.model\`, \`user.id\`). Where there is none the name begins with \`countersign.\`. These are all of them, and with them, for each governance record, the
strings, numbers and booleans of its body as \`countersign.KIND.MEMBER\` ([the leaf](formats/leaf.md) lists the members): \`countersign.close.records\` is how many records a session has.

| name | type and meaning |
| --- | --- |
${rows.join('\n')}

## Facts and content

Where policy has only facts recorded ([policy.md](policy.md#facts-without-content)), a record keeps these attributes, and the facts of which policies may speak unless [policy-facts.md](policy-facts.md) calls them content. It
keeps no other: what is in neither list counts as content.

${[...factNames()]
  .toSorted()
  .map((name) => `\`${name}\``)
  .join(' · ')}
`;
}

if (import.meta.main) {
  writeFileSync(join(root, 'docs', 'attributes.md'), attributesDocument());
}
