import { PostgresRelay } from '../relay.ts';
import { testFacts } from './test-facts.ts';

/** A relay of a connection that is logged in, to a database that is not known. */
export function testRelay({ session = '5e55', frameBytesMax = 1024, nowMs = (): number => 0 } = {}): PostgresRelay {
  return new PostgresRelay({ session, frameBytesMax, status: 0x49, attributes: {}, encoding: 'UTF8', hold: null, facts: testFacts(), nowMs });
}
