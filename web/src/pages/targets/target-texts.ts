import type { Schemas } from '../../api/schema.ts';

/** Returns where a target is, without a credential: `app@db.internal:5432/orders`, or the program that it is. */
export function addressOf({ program, user, host, port, path }: Schemas['TargetSummary']): string {
  return program ?? `${user === '' ? '' : `${user}@`}${host}:${port}${path === '' ? '' : `/${path}`}`;
}

/** Returns its tags, each as `NAME=VALUE`. */
export function tagsOf({ tags }: Schemas['TargetSummary']): readonly string[] {
  return Object.entries(tags).map(([name, value]) => `${name}=${value}`);
}
