import { z } from 'zod';
import { httpOptions } from '../../exchange/target/http-options.ts';

export const providers = ['openai', 'anthropic', 'gemini', 'azure', 'bedrock', 'ollama'] as const;
export type Provider = (typeof providers)[number];

export const modelOptions = httpOptions(
  {
    provider: z
      .enum(providers, `${providers.join(', ')} is expected`)
      .default('openai')
      .describe(
        'The provider whose API the target speaks. It decides how the credential is sent and for which clients the environment is set. Requests are read by their path.',
      ),
  },
  'principal',
);

export function providerOf(options: Readonly<Record<string, unknown>>): Provider {
  return providers.find((known) => known === options['provider']) ?? 'openai';
}

/** The header or parameter for the credential of each provider, if the options do not say. */
export const providerAuth: Readonly<Record<Provider, string>> = {
  openai: 'bearer',
  anthropic: 'header:x-api-key',
  gemini: 'header:x-goog-api-key',
  azure: 'header:api-key',
  bedrock: 'bearer',
  ollama: 'bearer',
};

/**
 * The members of JSON answers in which a provider gives its own addresses for clients to follow: results of a batch, content of a file. Gemini's `uri` is not
 * among them, because it only names a file in a prompt.
 */
export const providerUrls: Readonly<Record<Provider, readonly string[]>> = {
  openai: [],
  anthropic: ['results_url'],
  gemini: ['downloadUri'],
  azure: [],
  bedrock: [],
  ollama: [],
};
