import type { Attributes } from '../../domain/action.ts';
import { connectionAttributes, sqlAttributes } from './actions.ts';
import { Guard } from './guard/guard.ts';
import { SecondParser } from './guard/second-parser.ts';

/** Returns the facts of a text of SQL, as a connection without a database has them. */
export async function readExample(text: string): Promise<Attributes> {
  const guard = new Guard(await SecondParser.load());
  return { ...connectionAttributes('', ''), 'db.operation.name': 'QUERY', ...sqlAttributes(guard.factsOf(text, false), '') };
}
