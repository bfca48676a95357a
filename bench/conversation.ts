import { zstdCompressSync } from 'node:zlib';
import { conversation } from '../gateway/src/recording/testdata/conversation.ts';
import { journalStart } from '../gateway/src/recording/journal-reader.ts';
import { readEntries } from '../gateway/src/recording/session-reader.ts';
import type { GatewayProcess } from '../tests/support/gateway-process.ts';
import { thousands } from './table.ts';

const turns = 50;

/** Measures how many bytes an agent's run of 50 turns takes in the journal, if each turn sends the whole conversation again. */
export async function measureConversation(gateway: GatewayProcess, url: string): Promise<void> {
  const token = gateway.token('bench');
  let sent = 0;
  let compressed = 0;
  let session = '';
  for (const body of conversation(turns)) {
    sent += body.length;
    compressed += zstdCompressSync(body).length;
    const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body });
    session = response.headers.get('countersign-session') ?? '';
    await response.text();
  }
  const stored = await storedBytes(gateway, session);
  const sizes = `${thousands(sent / 1000)} KB sent, ${thousands(compressed / 1000)} KB if each were compressed by itself, ${thousands(stored / 1000)} KB stored`;
  console.log(`\nA conversation of ${turns} turns, sent whole with each: ${sizes}`);
}

/** Returns the number of bytes that the contents of a session's requests take in the journal. */
async function storedBytes(gateway: GatewayProcess, session: string): Promise<number> {
  let bytes = 0;
  for await (const { leaf, entry } of readEntries(gateway.data, session, { from: journalStart })) {
    bytes += leaf.kind === 'request' ? entry.storedContent.length : 0;
  }
  return bytes;
}
