import type { SecretReader } from './target.ts';

/** The providers whose reports of usage can be read, and where they are. */
export const usageProviders = { openai: 'https://api.openai.com', anthropic: 'https://api.anthropic.com' } as const;

export type UsageProvider = keyof typeof usageProviders;

/** Where the provider of a target reports what it counts. */
export interface UsageSettings {
  readonly provider: UsageProvider;
  readonly url: string;
  /** The key of an administrator of the account. */
  readonly key: SecretReader;
  /** The project, or workspace, whose usage is the target's. Null: that of the whole account is. */
  readonly project: string | null;
}
