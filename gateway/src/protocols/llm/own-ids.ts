import type { Change } from '../../exchange/recorded/request-key.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import { isObject } from './json.ts';
import { systemWithoutOwnWords, withoutOwnWords } from './own-words.ts';

/** What clients of an API put into their requests that is another one in each run. Places: members by name, `[]` each of a list. */
interface Own {
  /** Paths of the API, below whatever base. */
  readonly path: RegExp;
  /** The same throughout a run: of a conversation, a user, a call of a tool that a client echoes or that it named itself. */
  readonly ids: readonly string[];
  /** Said of the client, not of what is asked: its installation, windows, clocks. */
  readonly left: readonly string[];
  /** Texts of what tools gave back. */
  readonly results: readonly string[];
}

const anthropicIds = ['metadata.user_id', 'messages[].content[].id', 'messages[].content[].tool_use_id', 'messages[].content[].content[].tool_use_id'];
const contents = (of: string): string[] =>
  ['functionCall', 'function_call', 'functionResponse', 'function_response'].map((part) => `${of}contents[].parts[].${part}.id`);

/**
 * Claude Code: `metadata.user_id` names its session. Codex: `prompt_cache_key` names the conversation, `input[].id` are of its own making, `client_metadata` and what it passes through with each item are about itself. Gemini CLI and
 * the AI SDK make up ids of function calls, which Gemini gives none; Gemini CLI with a Google account sends the request inside an envelope of its own.
 */
const table: readonly Own[] = [
  {
    path: /\/messages(?:\/count_tokens)?$|:(?:rawPredict|streamRawPredict)$|\/invoke(?:-with-response-stream)?$/,
    ids: anthropicIds,
    left: [],
    results: ['messages[].content[].content', 'messages[].content[].content[].text'],
  },
  {
    path: /\/responses(?:\/input_tokens|\/compact)?$/,
    ids: ['prompt_cache_key', 'safety_identifier', 'user', 'input[].id', 'input[].call_id'],
    left: ['client_metadata', 'input[].internal_chat_message_metadata_passthrough'],
    results: ['input[].output', 'input[].output[].text'],
  },
  {
    path: /\/chat(?:\/completions)?$/,
    ids: ['prompt_cache_key', 'safety_identifier', 'user', 'messages[].tool_call_id', 'messages[].tool_calls[].id'],
    left: [],
    results: [],
  },
  {
    path: /:(?:generateContent|streamGenerateContent|countTokens)$/,
    ids: [...contents(''), ...contents('request.'), 'request.session_id'],
    left: ['user_prompt_id'],
    results: ['contents[].parts[].functionResponse.response.output', 'request.contents[].parts[].functionResponse.response.output'],
  },
  { path: /\/converse(?:-stream)?$/, ids: ['messages[].content[].toolUse.toolUseId', 'messages[].content[].toolResult.toolUseId'], left: [], results: [] },
];

/** A longer text is no id. */
const idCharactersMax = 1000;

/** What a request asks, with its clients' ids by names that are the same in each run. */
export const withoutOwn: Change = (body, head, nameId) => {
  const own = table.find(({ path }) => path.test(pathOf(head)));
  if (own === undefined) {
    return body;
  }
  const places = [
    ...own.ids.map((place) => ({ place, put: (value: unknown) => (typeof value === 'string' && value.length <= idCharactersMax ? nameId(value) : value) })),
    ...own.left.map((place) => ({ place, put: () => undefined })),
    ...own.results.map((place) => ({ place, put: (value: unknown) => (typeof value === 'string' ? withoutOwnWords(value) : value) })),
    { place: 'system[].text', put: (value: unknown) => (typeof value === 'string' ? systemWithoutOwnWords(value) : value) },
  ];
  return places.reduce((changed, { place, put }) => putAt(changed, stepsOf(place), put), body);
};

function pathOf({ path }: RequestHead): string {
  return path.split('?', 1)[0] ?? '';
}

function stepsOf(place: string): readonly string[] {
  return place.replaceAll('[]', '.[]').split('.');
}

/** The value with another in each of the places that the steps lead to; where they lead nowhere it is as it was. */
function putAt(value: unknown, [step, ...steps]: readonly string[], put: (value: unknown) => unknown): unknown {
  if (step === undefined) {
    return put(value);
  }
  if (step === '[]') {
    return Array.isArray(value) ? value.map((each) => putAt(each, steps, put)) : value;
  }
  return isObject(value) && Object.hasOwn(value, step) ? { ...value, [step]: putAt(value[step], steps, put) } : value;
}
