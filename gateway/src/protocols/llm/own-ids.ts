import type { Change } from '../../exchange/recorded/request-key.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import { isObject } from './json.ts';
import { systemWithoutOwnWords, withoutOwnWords } from './own-words.ts';

/** The places in requests to one API where clients put values that differ in each run. A place is a path of member names; `[]` stands for each element of a list. */
interface Own {
  /** Matches paths of the API, below any base path. */
  readonly path: RegExp;
  /** Ids that stay the same throughout a run: of a conversation, a user, a call of a tool. The client made them up or repeats them. */
  readonly ids: readonly string[];
  /** Facts about the client, such as its installation, windows and clocks. They do not matter for what is asked, and are left out. */
  readonly left: readonly string[];
  /** Texts of the results of tools. */
  readonly results: readonly string[];
}

const anthropicIds = ['metadata.user_id', 'messages[].content[].id', 'messages[].content[].tool_use_id', 'messages[].content[].content[].tool_use_id'];
const contents = (of: string): string[] =>
  ['functionCall', 'function_call', 'functionResponse', 'function_response'].map((part) => `${of}contents[].parts[].${part}.id`);

/**
 * Claude Code names its session in `metadata.user_id`. Codex names the conversation in `prompt_cache_key`, makes up each `input[].id`, and describes itself in
 * `client_metadata` and in the metadata of each item. Gemini CLI and the AI SDK make up ids for function calls, because Gemini gives them none. Gemini CLI with
 * a Google account sends the request inside an envelope of its own.
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

/** Most characters of an id: a longer text is not one. */
const idCharactersMax = 1000;

/** Returns the body of a request without what differs between runs: ids get names that are the same in each run, and facts about the client are left out. */
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

/** Returns the value with another value put in each place that the steps lead to. If they lead nowhere, it is unchanged. */
function putAt(value: unknown, [step, ...steps]: readonly string[], put: (value: unknown) => unknown): unknown {
  if (step === undefined) {
    return put(value);
  }
  if (step === '[]') {
    return Array.isArray(value) ? value.map((each) => putAt(each, steps, put)) : value;
  }
  return isObject(value) && Object.hasOwn(value, step) ? { ...value, [step]: putAt(value[step], steps, put) } : value;
}
