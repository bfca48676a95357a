import { pathNameCharactersMax } from '../../content/json-texts.ts';
import { GatewayError } from '../../domain/errors.ts';
import { noParts, type EventParts, type FindParts } from '../../content/text-frame.ts';
import { isObject, type JsonObject, memberOf, numberAt, objectAt, textAt } from './json.ts';

type Part = readonly [path: string, name: string];

/** Members of a delta whose texts are whole in each event. */
const wholeMembers: ReadonlySet<string> = new Set(
  'role id type name channel format status recipient provider model finish_reason stop_reason citation annotations signature data'.split(' '),
);
/** The text that ends the streams of OpenAI. */
const endOfStream = '[DONE]';
/** Texts that are nested deeper in a delta count as whole. */
const deltaDepthMax = 6;

/** Finds texts in pieces in an event of a model's answer, for all APIs, because their events have different members. */
export const findParts: FindParts = (event) => {
  if (!isObject(event)) {
    return noParts;
  }
  const type = textAt(event, 'type');
  if (type !== undefined) {
    return type.startsWith('content_block_') || type === 'message_stop' ? ofBlock(event, type, '') : ofItem(event, type);
  }
  const [[only, inner] = ['', null]] = Object.entries(event);
  if (isObject(inner) && (only.startsWith('contentBlock') || only === 'messageStop')) {
    return ofBlock(inner, only, `${only}/`);
  }
  if (Array.isArray(memberOf(event, 'choices'))) {
    return ofChoices(event);
  }
  return typeof memberOf(event, 'done') === 'boolean' ? ofOllama() : ofGemini(event);
};

/** Matches the types of events of the known APIs. */
const knownType = /^(?:content_block_|message_|ping$|error$|response\.|session\.|conversation\.|transcript\.|speech\.|image_)/;
/** The members of events without a type, one of which every event of a known API has. */
const knownMembers =
  /^(?:choices|done|candidates|usageMetadata|promptFeedback|error|message(?:Start|Stop)|contentBlock(?:Start|Delta|Stop)|metadata|\w+Exception)$/;

/**
 * Finds texts in pieces in an event of an API that is not known, if the event has the form of one that is. Throws GatewayError `unsupported` for an event in another form,
 * because any text in it may go on in the next one.
 */
export const findPartsInUnknown: FindParts = (event) => {
  const type = isObject(event) ? textAt(event, 'type') : undefined;
  const isKnown = !isObject(event)
    ? event === endOfStream || event === ''
    : type === undefined
      ? Object.keys(event).some((name) => knownMembers.test(name))
      : knownType.test(type);
  if (!isKnown) {
    throw new GatewayError(
      'unsupported',
      'Policy changes texts in answers of this target, and the form of a stream of events is not known, so that a text may be cut in any place.',
    );
  }
  return findParts(event);
};

/** Finds the pieces of Anthropic's Messages and Bedrock's Converse: a text or the input of a tool is a block, whose pieces are deltas. */
function ofBlock(event: JsonObject, type: string, prefix: string): EventParts {
  if (/^message_?stop$/i.test(type)) {
    return { parts: new Map(), ends: () => true };
  }
  const name = `block ${numberAt(event, prefix === '' ? 'index' : 'contentBlockIndex') ?? 0}`;
  const paths = [
    'content_block/text',
    'content_block/thinking',
    'delta/text',
    'delta/thinking',
    'delta/partial_json',
    'delta/toolUse/input',
    'delta/reasoningContent/text',
  ];
  const known = new Set(paths);
  const others = textsBelow(memberOf(event, 'delta'), 'delta').filter(([path]) => !known.has(path));
  return partsOf(
    [...paths.map((path) => [prefix + path, name] as const), ...others.map(([path, other]) => [prefix + path, `${name} ${other}`] as const)],
    /stop$/i.test(type) ? (each) => each === name || each.startsWith(`${name} `) : null,
  );
}

/**
 * Finds the pieces of OpenAI's Responses, Realtime and transcriptions. The type of an event with a piece ends with `delta`. An event whose type ends with
 * `done`, `completed` or `failed`, or the end of its response, ends the text. Pieces of audio are no texts.
 */
function ofItem(event: JsonObject, type: string): EventParts {
  const stream = textAt(event, 'stream_id');
  if (/^response\.(?:completed|done|failed|incomplete|cancelled)$/.test(type)) {
    const groups = stream === undefined ? ['', textAt(objectAt(event, 'response'), 'id') ?? ''] : [stream];
    return { parts: new Map(), ends: (name) => groups.some((group) => name.startsWith(`${group} response.`)) };
  }
  const [, of, end] = /^(.*)\.(delta|done|completed|failed)$/.exec(type) ?? [];
  if (of === undefined || of.endsWith('audio')) {
    return noParts;
  }
  const item = textAt(event, 'item_id') ?? numberAt(event, 'output_index') ?? '';
  const index = numberAt(event, 'content_index') ?? numberAt(event, 'summary_index') ?? 0;
  const name = `${stream ?? textAt(event, 'response_id') ?? ''} ${of} ${item} ${index}`;
  return end !== 'delta' ? { parts: new Map(), ends: (each) => each === name } : partsOf([['delta', name]], null);
}

/** Finds the pieces of OpenAI's Chat Completions and Completions. They end with the answer: there are servers that say in each event why a choice has finished. */
function ofChoices(event: JsonObject): EventParts {
  const parts: Part[] = [];
  for (const [i, choice] of listAt(event, 'choices')) {
    const prefix = `choice ${numberAt(choice, 'index') ?? i} `;
    for (const path of ['text', 'delta/content']) {
      parts.push([`choices/${i}/${path}`, prefix + path]);
    }
    for (const [path, name] of textsBelow(memberOf(choice, 'delta'), 'delta')) {
      parts.push([`choices/${i}/${path}`, prefix + name]);
    }
    for (const [at, call] of listAt(objectAt(choice, 'delta'), 'tool_calls')) {
      for (const path of ['function/arguments', 'custom/input']) {
        parts.push([`choices/${i}/delta/tool_calls/${at}/${path}`, `${prefix}call ${numberAt(call, 'index') ?? at}`]);
      }
    }
  }
  return partsOf(parts, null);
}

/** Finds the pieces of Ollama. They end with the answer. */
function ofOllama(): EventParts {
  const paths = ['message/content', 'message/thinking', 'response', 'thinking'];
  return partsOf(
    paths.map((path) => [path, path]),
    null,
  );
}

/** Finds the pieces of Gemini. Over HTTP a text ends with the answer, over WebSocket with the turn. */
function ofGemini(event: JsonObject): EventParts {
  const parts: Part[] = [];
  const add = (path: string, content: JsonObject, name: string): void => {
    for (const [i, part] of listAt(content, 'parts')) {
      parts.push([`${path}/parts/${i}/text`, `${name} ${memberOf(part, 'thought') === true ? 'thought' : 'text'}`]);
      for (const [at, each] of listAt(objectAt(part, 'functionCall'), 'partialArgs')) {
        parts.push([`${path}/parts/${i}/functionCall/partialArgs/${at}/stringValue`, `${name} argument ${textAt(each, 'jsonPath') ?? ''}`]);
      }
    }
  };
  for (const [i, candidate] of listAt(event, 'candidates')) {
    add(`candidates/${i}/content`, objectAt(candidate, 'content'), `candidate ${numberAt(candidate, 'index') ?? i}`);
  }
  const said = objectAt(event, 'serverContent');
  add('serverContent/modelTurn', objectAt(said, 'modelTurn'), 'turn');
  for (const name of ['inputTranscription', 'outputTranscription']) {
    parts.push([`serverContent/${name}/text`, name]);
  }
  return partsOf(parts, memberOf(said, 'turnComplete') === true || memberOf(said, 'interrupted') === true ? () => true : null);
}

/**
 * Finds the texts of a delta that other events continue. Servers have members of their own there, so any of them counts that is not known to be whole. An element of a
 * list continues one of an earlier event if it has an index, or if it is a text of the content.
 */
function textsBelow(value: unknown, path: string, name = path, depth = 0): readonly Part[] {
  if (typeof value === 'string') {
    return [[path, name]];
  }
  if (depth > deltaDepthMax || typeof value !== 'object' || value === null) {
    return [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((each: unknown, i) => {
      const index = isObject(each) ? numberAt(each, 'index') : undefined;
      const part = isObject(each) && path === 'delta/content' ? memberOf(each, 'text') : undefined;
      if (typeof part === 'string') {
        return [[`${path}/${i}/text`, name] as const];
      }
      return index === undefined ? [] : textsBelow(each, `${path}/${i}`, `${name}/${index}`, depth + 1);
    });
  }
  return Object.entries(value).flatMap(([member, each]) =>
    wholeMembers.has(member) ? [] : textsBelow(each, `${path}/${member.slice(0, pathNameCharactersMax)}`, `${name}/${member}`, depth + 1),
  );
}

/** Returns the objects of a list, each with its index in the list. */
function listAt(object: JsonObject, name: string): readonly (readonly [index: number, value: JsonObject])[] {
  const list = memberOf(object, name);
  return Array.isArray(list) ? list.flatMap((each: unknown, i) => (isObject(each) ? [[i, each] as const] : [])) : [];
}

function partsOf(parts: readonly Part[], ends: EventParts['ends']): EventParts {
  return { parts: new Map(parts), ends };
}
