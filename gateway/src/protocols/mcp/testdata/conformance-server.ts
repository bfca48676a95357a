/** A server with everything that the official conformance suite asks of a server. */
import { setTimeout as delay } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ElicitResultSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  type CallToolResult,
  type ContentBlock,
  type ElicitRequestFormParams,
  type ReadResourceResult,
  type ServerNotification,
} from '@modelcontextprotocol/sdk/types.js';

const stepMs = 50;
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

type Schema = ElicitRequestFormParams['requestedSchema'];

interface CallContext {
  readonly args: Readonly<Record<string, unknown>>;
  readonly progressToken: string | number | undefined;
  readonly notify: (notification: ServerNotification) => Promise<void>;
  readonly elicit: (message: string, properties: Schema['properties'], required?: string[]) => Promise<string>;
  readonly sample: (prompt: string) => Promise<string>;
  readonly closeStream: () => void;
}

type Tool = (context: CallContext) => Promise<CallToolResult> | CallToolResult;

const text = (words: string): ContentBlock => ({ type: 'text', text: words });
const says = (...content: ContentBlock[]): CallToolResult => ({ content });
const resource = (uri: string, mimeType: string, words: string): ContentBlock => ({ type: 'resource', resource: { uri, mimeType, text: words } });

const tools: Readonly<Record<string, Tool>> = {
  test_simple_text: () => says(text('This is a simple text response for testing.')),
  test_image_content: () => says({ type: 'image', data: png, mimeType: 'image/png' }),
  test_audio_content: () => says({ type: 'audio', data: wav, mimeType: 'audio/wav' }),
  test_embedded_resource: () => says(resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')),
  test_multiple_content_types: () =>
    says(
      text('Multiple content types test:'),
      { type: 'image', data: png, mimeType: 'image/png' },
      resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ),
  test_tool_with_logging: async ({ notify }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await notify({ method: 'notifications/message', params: { level: 'info', data } });
      await delay(stepMs);
    }
    return says(text('logged'));
  },
  test_error_handling: () => ({ isError: true, content: [text('This tool intentionally returns an error for testing')] }),
  test_tool_with_progress: async ({ progressToken, notify }) => {
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined) {
        await notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
      }
      await delay(stepMs);
    }
    return says(text('done'));
  },
  test_sampling: async ({ args, sample }) => says(text(`LLM response: ${await sample(String(args['prompt']))}`)),
  test_elicitation: async ({ args, elicit }) => {
    const properties: Schema['properties'] = {
      username: { type: 'string', description: "User's response" },
      email: { type: 'string', description: "User's email address" },
    };
    return says(text(`User response: ${await elicit(String(args['message']), properties, ['username', 'email'])}`));
  },
  test_elicitation_sep1034_defaults: async ({ elicit }) =>
    says(
      text(
        `Elicitation completed: ${await elicit('Defaults', {
          name: { type: 'string', default: 'John Doe' },
          age: { type: 'integer', default: 30 },
          score: { type: 'number', default: 95.5 },
          status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
          verified: { type: 'boolean', default: true },
        })}`,
      ),
    ),
  test_elicitation_sep1330_enums: async ({ elicit }) =>
    says(
      text(
        `Elicitation completed: ${await elicit('Enums', {
          untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
          titledSingle: { type: 'string', oneOf: titled('value', 'Option') },
          legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
          untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
          titledMulti: { type: 'array', items: { anyOf: titled('value', 'Choice') } },
        })}`,
      ),
    ),
  test_reconnection: async ({ closeStream }) => {
    closeStream();
    await delay(stepMs);
    return says(text('Reconnection test completed'));
  },
  json_schema_2020_12_tool: () => says(text('valid')),
};

const inputSchemas: Readonly<Record<string, { readonly type: 'object'; readonly [key: string]: unknown }>> = {
  test_sampling: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
  test_elicitation: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
  json_schema_2020_12_tool: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
    properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
    additionalProperties: false,
  },
};

const prompts: Readonly<Record<string, (args: Readonly<Record<string, string>>) => readonly ContentBlock[]>> = {
  test_simple_prompt: () => [text('This is a simple prompt for testing.')],
  test_prompt_with_arguments: ({ arg1, arg2 }) => [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  test_prompt_with_embedded_resource: ({ resourceUri = '' }) => [
    resource(resourceUri, 'text/plain', 'Embedded resource content for testing.'),
    text('Please process the embedded resource above.'),
  ],
  test_prompt_with_image: () => [{ type: 'image', data: png, mimeType: 'image/png' }, text('Please analyze the image above.')],
};
const promptArguments: Readonly<Record<string, readonly string[]>> = {
  test_prompt_with_arguments: ['arg1', 'arg2'],
  test_prompt_with_embedded_resource: ['resourceUri'],
};

function titled(value: string, title: string): { readonly const: string; readonly title: string }[] {
  return ['First', 'Second', 'Third'].map((which, i) => ({ const: `${value}${i + 1}`, title: `${which} ${title}` }));
}

function readResource(uri: string): ReadResourceResult {
  const [, id] = /^test:\/\/template\/(.*)\/data$/.exec(uri) ?? [];
  if (id !== undefined) {
    return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }] };
  }
  return uri === 'test://static-binary'
    ? { contents: [{ uri, mimeType: 'image/png', blob: png }] }
    : { contents: [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }] };
}

export function makeConformanceServer(): Server {
  const capabilities = { tools: {}, resources: { subscribe: true }, prompts: {}, logging: {}, completions: {} };
  const server = new Server({ name: 'conformance', version: '1' }, { capabilities });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.keys(tools).map((name) => ({ name, description: `The tool ${name}`, inputSchema: inputSchemas[name] ?? { type: 'object' } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = tools[params.name];
    if (tool === undefined) {
      throw new Error(`There is no tool ${params.name}.`);
    }
    return tool({
      args: params.arguments ?? {},
      progressToken: extra._meta?.progressToken,
      notify: extra.sendNotification,
      elicit: async (message, properties, required) => {
        const requestedSchema: Schema = { type: 'object', properties, ...(required === undefined ? {} : { required }) };
        const { action, content } = await extra.sendRequest({ method: 'elicitation/create', params: { message, requestedSchema } }, ElicitResultSchema);
        return `action=${action}, content=${JSON.stringify(content ?? {})}`;
      },
      sample: async (prompt) => {
        const { content } = await server.createMessage(
          { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens: 100 },
          { relatedRequestId: extra.requestId },
        );
        return content.type === 'text' ? content.text : '';
      },
      closeStream: () => extra.closeSSEStream?.(),
    });
  });
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: ['static-text', 'static-binary', 'watched-resource'].map((name) => ({ uri: `test://${name}`, name, description: `The resource ${name}` })),
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template' }] }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => readResource(params.uri));
  server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  server.setRequestHandler(SetLevelRequestSchema, () => ({}));
  server.setRequestHandler(CompleteRequestSchema, () => ({ completion: { values: ['paris', 'park'], total: 2, hasMore: false } }));
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: Object.keys(prompts).map((name) => ({
      name,
      description: `The prompt ${name}`,
      arguments: (promptArguments[name] ?? []).map((argument) => ({ name: argument, description: argument, required: true })),
    })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({
    messages: (prompts[params.name]?.(params.arguments ?? {}) ?? []).map((content) => ({ role: 'user', content })),
  }));
  return server;
}
