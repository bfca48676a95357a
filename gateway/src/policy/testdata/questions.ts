import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Principal } from '../../domain/principal.ts';
import type { Target } from '../../domain/target.ts';
import type { PolicySource } from '../../domain/policy-source.ts';
import type { Question, SessionHistory } from '../policy.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { noHistory } from '../no-history.ts';

export const bot: Principal = { id: 'bot', kind: 'agent', groups: ['agents'], targets: ['orders', 'mail'] };
export const ann: Principal = { id: 'ann', kind: 'human', groups: ['dba'], targets: ['orders'] };

const common = { scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'disk', options: {} } as const;
const orders: Target = { ...common, name: 'orders', protocol: 'sql', tags: { environment: 'production', zone: 'inside' } };
export const mail: Target = { ...common, name: 'mail', protocol: 'web', tags: { zone: 'outside' } };

/** Two protocols, two targets and two principals. */
export const vocabulary: Vocabulary = {
  classes: ['email', 'card'],
  protocols: [
    {
      id: 'sql',
      valuePlaces: 'columns',
      actions: [
        { name: 'sql.query', title: 'Run a statement' },
        { name: 'sql.copy', title: 'Copy' },
      ],
      context: [
        {
          name: 'statements',
          type: 'texts',
          attribute: 'test.statements',
          absent: [],
          oneOf: ['select', 'insert', 'update', 'delete', 'drop', 'x'],
          title: 'Kinds of statements.',
        },
        { name: 'tables', type: 'texts', attribute: 'test.tables', absent: [], parts: 'SCHEMA.TABLE', title: 'The tables.' },
        { name: 'hasWhere', type: 'boolean', attribute: 'test.has_where', absent: true, title: 'Whether there is a WHERE.' },
        { name: 'rowsLimit', type: 'number', attribute: 'test.rows_limit', absent: Number.MAX_SAFE_INTEGER, title: 'The LIMIT.' },
      ],
    },
    {
      id: 'web',
      valuePlaces: 'fields',
      actions: [{ name: 'web.request', title: 'Make a request' }],
      context: [{ name: 'method', type: 'text', attribute: 'http.request.method', absent: '', title: 'The method.' }],
    },
  ],
  targets: [orders, mail],
  principals: [bot, ann],
};

export function source(text: string, file = 'rules.cedar'): PolicySource {
  return { file, path: `policies/${file}`, text };
}

interface Asked {
  readonly principal?: Principal;
  readonly target?: Target;
  readonly action?: string;
  readonly effects?: readonly string[];
  readonly attributes?: Attributes;
  readonly history?: Partial<SessionHistory>;
  readonly timeMs?: number;
  readonly address?: string;
  readonly within?: readonly string[] | null;
  readonly run?: string | null;
}

/** A question: by default the bot asks to query orders. */
export function asked({
  principal = bot,
  target = orders,
  action = 'sql.query',
  effects = ['read'],
  attributes = {},
  history = {},
  ...rest
}: Asked = {}): Question {
  const { timeMs = 0, address = '127.0.0.1', within = null, run = null } = rest;
  return {
    asker: { principal, onBehalfOf: null, run, within, session: null, address, history: { ...noHistory, ...history } },
    target,
    action: { name: action, attributes: { [ownAttributes.effects]: effects, ...attributes } },
    timeMs,
  };
}
