import { readFileSync, writeFileSync } from 'node:fs';
import { errorCodes, GatewayError } from '../../../domain/errors.ts';
import type { Output } from '../../../wire/relay.ts';
import { frames, parseFrontend } from '../codec.ts';
import { begunBytes } from '../render-request.ts';
import { renderResponse } from '../render-response.ts';
import { statementAttributes } from '../actions.ts';
import { plainFacts } from '../guard/facts.ts';
import { testRelay } from './test-relay.ts';
import { clientMessages, targetMessages } from './shorthand.ts';

/**
 * A transcript is a conversation through the relay. Its lines are `client`, `target`, `deny` (the next request), `client ends`, `target ends`, `fail CODE` and
 * `clock MS`; indented lines show the outputs of the relay. `play` makes the indented lines again from the others: a golden file is one that stays the same.
 * `node transcript.ts FILE...` does that to files; read the difference before you keep it.
 */
export function play(transcript: string): string {
  const player = new Player();
  return transcript
    .split('\n')
    .flatMap((line) => (line.startsWith('  ') ? [] : [line, ...player.step(line)]))
    .join('\n');
}

class Player {
  #nowMs = 0;
  #seq = 0;
  #deny = false;
  readonly #relay = testRelay({ nowMs: () => this.#nowMs });

  step(line: string): string[] {
    const [, verb = '', rest = ''] = /^(client ends|target ends|\w*) ?(.*)$/.exec(line) ?? [];
    switch (verb) {
      case 'client':
        this.#relay.clientBytes(clientMessages(rest));
        break;
      case 'target':
        this.#relay.upstreamBytes(targetMessages(rest));
        break;
      case 'client ends':
        this.#relay.clientEnded();
        break;
      case 'target ends':
        this.#relay.upstreamEnded();
        break;
      case 'fail':
        this.#relay.fail(new GatewayError(errorCodes.find((code) => code === rest) ?? 'conflict', 'It must end.'));
        break;
      case 'clock':
        this.#nowMs = Number(rest);
        break;
      case 'deny':
        this.#deny = true;
        break;
      default:
    }
    return this.#pull();
  }

  #pull(): string[] {
    const lines: string[] = [];
    for (let output = this.#relay.next(); output !== null; output = this.#relay.next()) {
      if (output.type !== 'pause') {
        lines.push(`  ${this.#tell(output)}`);
      }
    }
    return lines;
  }

  #tell(output: Output): string {
    if (output.type === 'close') {
      return `close ${output.reason}${output.error === undefined ? '' : ` ${output.error.code}`}`;
    }
    const content = Buffer.concat(output.bytes);
    if (output.type === 'response') {
      this.#seq += 1;
      const { request, attributes = {} } = output.meta;
      const shown = renderResponse(recordOf('response', this.#seq, content, attributes), () => null).text.replaceAll('\n', ' ⏎ ');
      const facts = Object.entries(attributes)
        .map(([name, value]) => ` ${name.replace(/^.*\./, '')}=${String(value)}`)
        .join('');
      const to = request === undefined ? 'response' : `response to #${request}`;
      return `${to}${output.continues ? ', more follows' : ''}: ${types(content, attributes)}${facts}${shown === '' ? '' : ` « ${shown} »`}`;
    }
    this.#seq += 1;
    const verdict = this.#deny && output.byGateway !== true ? 'deny' : 'allow';
    const partOf = output.relation?.partOf === undefined ? '' : ` part of #${output.relation.partOf}`;
    const facts = Object.entries(output.action.attributes)
      .filter(([name]) => !isStatementFact(name))
      .map(([name, value]) => ` ${name.replace(/^.*\./, '')}=${String(value)}`)
      .join('');
    const said = `#${this.#seq} ${output.action.name}${partOf}${facts}: ${types(content, output.action.attributes)}${texts(content)}${verdict === 'deny' ? ' DENIED' : ''}`;
    if (verdict === 'deny') {
      this.#deny = false;
    }
    this.#relay.decided({ verdict, policies: [], policyVersion: '1', reason: 'Not for you.', obligations: [] }, this.#seq);
    return said;
  }
}

const statementFacts = new Set(
  Object.keys(statementAttributes({ ...plainFacts, statements: ['x'], reads: ['x'], writes: ['x'], columns: ['x'], functions: ['x'], rowsLimit: 1 })),
);

/** Returns whether an attribute is about the text of a statement. These have a corpus of their own. */
function isStatementFact(name: string): boolean {
  return statementFacts.has(name);
}

function recordOf(kind: string, seq: number, content: Buffer, attributes: Readonly<Record<string, string | number | boolean | readonly string[]>>) {
  return {
    session: '',
    seq,
    timeMs: 0,
    kind,
    record: '',
    meta: { channel: 1, attributes },
    channelFacts: null,
    governance: null,
    content,
    continues: false,
    withheld: null,
  };
}

/** Returns the types of the messages in order; `…n` stands for n bytes of a partial message. */
function types(content: Buffer, attributes: Parameters<typeof recordOf>[3]): string {
  const begun = begunBytes(recordOf('', 0, content, attributes));
  let at = begun;
  let said = begun > 0 ? `…${begun} ` : '';
  for (const frame of frames(content, begun)) {
    said += String.fromCharCode(frame.type);
    at += 5 + frame.body.length;
  }
  return at < content.length ? `${said} …${content.length - at}` : said;
}

function texts(content: Buffer): string {
  const said: string[] = [];
  try {
    for (const frame of frames(content)) {
      const read = parseFrontend(frame);
      if (read.kind === 'query' || read.kind === 'parse') {
        said.push(read.text);
      }
    }
  } catch {
    // Only messages that can be read are shown.
  }
  return said.length === 0 ? '' : ` « ${said.join(' ⏎ ')} »`;
}

if (import.meta.main) {
  for (const file of process.argv.slice(2)) {
    writeFileSync(file, play(readFileSync(file, 'utf8')));
  }
}
