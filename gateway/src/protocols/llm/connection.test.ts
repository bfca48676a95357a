import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { llm } from './index.ts';

function environment(provider: string, tls: boolean): Readonly<Record<string, string>> {
  return llm.connection({ host: 'gate.example', port: 7070, target: 'brain', token: 'cs_token', tls, options: { provider }, key: null }).environment;
}

test('T4.30: what a command reads: the address and the token by the names that the SDKs of each provider know', () => {
  const url = 'http://gate.example:7070/t/brain';
  assert.deepEqual(environment('openai', false), {
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_API_BASE: `${url}/v1`,
    OPENAI_API_KEY: 'cs_token',
    OPENAI_AGENTS_DISABLE_TRACING: '1',
  });
  assert.deepEqual(environment('anthropic', false), { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_BASE: url, ANTHROPIC_API_KEY: 'cs_token' });
  assert.deepEqual(environment('gemini', false), {
    GOOGLE_GEMINI_BASE_URL: url,
    GEMINI_API_BASE: url,
    GEMINI_API_KEY: 'cs_token',
    GOOGLE_GENERATIVE_AI_API_KEY: 'cs_token',
    GOOGLE_API_KEY: '',
  });
  assert.deepEqual(environment('azure', false), {
    AZURE_OPENAI_ENDPOINT: url,
    AZURE_API_BASE: url,
    AZURE_OPENAI_API_KEY: 'cs_token',
    AZURE_API_KEY: 'cs_token',
  });
  assert.deepEqual(environment('ollama', false), { OLLAMA_HOST: url, OLLAMA_API_BASE: url, OLLAMA_API_KEY: 'cs_token' });
});

test('clients of AWS send a bearer token under TLS only', () => {
  assert.deepEqual(environment('bedrock', true), {
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://gate.example:7070/t/brain',
    AWS_BEDROCK_RUNTIME_ENDPOINT: 'https://gate.example:7070/t/brain',
    AWS_BEARER_TOKEN_BEDROCK: 'cs_token',
  });
  const { AWS_SESSION_TOKEN: sessionToken, AWS_BEARER_TOKEN_BEDROCK: bearer } = environment('bedrock', false);
  assert.deepEqual([sessionToken, bearer], ['cs_token', undefined]);
});
