import type { ContextField } from '../../domain/context-field.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';

/** The facts about messages of MCP that policies may speak of. */
export const context: readonly ContextField[] = [
  { name: 'method', type: 'text', attribute: 'mcp.method.name', absent: '', title: 'The method of the message, as tools/call.' },
  { name: 'tool', type: 'text', attribute: 'gen_ai.tool.name', absent: '', title: 'The tool that is called.' },
  {
    name: 'arguments',
    type: 'text',
    attribute: 'gen_ai.tool.call.arguments',
    absent: '',
    isContent: true,
    title: 'The arguments of the call as JSON without white space, for like; empty if there are none, or more than 2048 bytes: then argumentsFit is false.',
  },
  {
    name: 'argumentsFit',
    type: 'boolean',
    attribute: ownAttributes.argumentsFit,
    absent: true,
    title: 'False if the arguments are too long to be looked at. Then the call also has the effect unknown.',
  },
  {
    name: 'resource',
    type: 'text',
    attribute: 'mcp.resource.uri',
    absent: '',
    isContent: true,
    title: 'The URI of the resource that is read or subscribed to.',
  },
  { name: 'prompt', type: 'text', attribute: 'gen_ai.prompt.name', absent: '', title: 'The prompt that is asked for.' },
  {
    name: 'toolHints',
    type: 'texts',
    attribute: ownAttributes.toolHints,
    absent: [],
    title: 'What the target claims of the tool: readOnlyHint=true, destructiveHint=false, idempotentHint=true, openWorldHint=false and so on.',
  },
  {
    name: 'toolDigest',
    type: 'text',
    attribute: ownAttributes.toolDigest,
    absent: '',
    title: "The SHA-256 of the tool's definition in hex, as target tools prints it; empty for a tool that the target did not list.",
  },
  {
    name: 'toolChanged',
    type: 'boolean',
    attribute: ownAttributes.toolChanged,
    absent: false,
    title: 'True if the definition of the tool is not the one that was pinned.',
  },
  {
    name: 'toolPinned',
    type: 'boolean',
    attribute: ownAttributes.toolPinned,
    absent: false,
    title: 'True if the definition of the tool is the one that was pinned; false for a tool that never was.',
  },
  {
    name: 'askedBy',
    type: 'text',
    attribute: ownAttributes.askedBy,
    absent: 'client',
    oneOf: ['client', 'target'],
    title: 'target, if the server asks something of the client; else client.',
  },
];
