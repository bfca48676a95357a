import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { environmentOf, filesDirectory, filesOf } from '../domain/connection-instructions.ts';
import { GatewayError } from '../domain/errors.ts';
import { unknownPrincipal } from '../domain/issuer.ts';
import { commandLengthMax } from '../domain/limits.ts';
import type { Principal } from '../domain/principal.ts';
import { targetFacts } from '../domain/target.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { RunOutput } from '../sessions/run-output.ts';
import type { Caller } from './caller.ts';
import { connectionOf } from './connection.ts';
import { principalName, targetName } from './input.ts';
import type { ApiParts } from './parts.ts';
import { runEnd } from './runs.ts';

export const runRequest = z
  .strictObject({
    principal: principalName.optional().describe('The principal of the run. A run opens runs only for its own principal; an administrator must name one.'),
    targets: z.array(targetName).max(100).default([]).describe('The targets that the run reaches. Empty: all that the principal may use.'),
    command: z.string().max(commandLengthMax).default('').describe('The command, for the record.'),
    parent: z
      .string()
      .max(200)
      .optional()
      .describe(
        'The token of a run: the new run is opened inside that one. The token proves who may do so; a run cannot be named in another way. Not needed if the caller is a run.',
      ),
    recordOutput: z.boolean().default(false).describe('True if the output of the command will be sent to be recorded.'),
  })
  .meta({ id: 'RunRequest' });

export const openedRun = z
  .object({
    session: z.string(),
    token: z.string().describe('The token of the run. It is valid only inside the run, and ends with it.'),
    traceparent: z.string(),
    environment: z.record(z.string(), z.string()).describe('The environment variables for the command.'),
    files: z
      .record(z.string(), z.string())
      .describe(
        `Files that the command may read, by name. Whoever starts it writes them into a directory of its own; one that begins with #! can be executed. ${filesDirectory} stands for the directory, in them and in the environment.`,
      ),
  })
  .meta({ id: 'OpenedRun' });

export type OpenedRun = z.output<typeof openedRun>;

type RunRequest = z.output<typeof runRequest>;
export type RunParts = Pick<
  ApiParts,
  'recorder' | 'sessions' | 'outputs' | 'authenticator' | 'refusals' | 'principals' | 'targets' | 'findProtocol' | 'addresses' | 'listenerKeys' | 'isEncrypted'
>;

interface ParentRun {
  readonly run: LiveSession;
  /** True if the parent run reaches the target. A run inside it reaches no other target. */
  readonly reaches: (target: string) => boolean;
}

/** Opens a run for a caller. Rejects with GatewayError as the endpoint does. */
export async function beginRun(parts: RunParts, caller: Caller, body: RunRequest): Promise<OpenedRun> {
  const principal = await principalOf(parts, body, caller);
  const parent = await parentOf(parts, body, caller);
  const wanted = targetsOf(parts, body, { principal, parent });
  const session = parts.sessions.open('run', parent === null ? {} : { parent: parent.run });
  try {
    return await begin(parts, session, { caller, body, principal, wanted });
  } catch (error) {
    session.end(runEnd);
    throw error;
  }
}

interface Beginning {
  readonly caller: Caller;
  readonly body: RunRequest;
  readonly principal: Principal;
  readonly wanted: readonly string[];
}

async function begin(parts: RunParts, session: LiveSession, { caller, body, principal, wanted }: Beginning): Promise<OpenedRun> {
  const { authenticator, recorder, outputs, targets } = parts;
  const given = targetFacts(wanted.flatMap((name) => targets().get(name) ?? []));
  const { onBehalfOf } = caller.run ?? {};
  const { token, stored, standing } = await authenticator.create(principal.id, {
    session: session.id,
    targets: wanted,
    ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
  });
  const traceparent = `00-${session.id}-${randomBytes(8).toString('hex')}-01`;
  const facts = { principal, tokenId: stored.id, address: caller.address, by: caller.id, command: body.command, targets: given, traceparent };
  session.describe(facts);
  session.endWith(standing);
  if (caller.standing !== null) {
    session.endWith(caller.standing);
  }
  if (body.recordOutput) {
    outputs.set(session, new RunOutput(recorder, session, facts));
  }
  for (let run: LiveSession | null = session; run !== null; run = run.parent) {
    outputs.get(run)?.mask(token);
  }
  const connections = wanted.map((name) => ({ name, ...connectionOf(parts, { target: name, token }) }));
  const environment = { ...environmentOf(connections), COUNTERSIGN_SESSION: session.id, TRACEPARENT: traceparent };
  return { session: session.id, token, traceparent, environment, files: filesOf(connections) };
}

/** Finds the principal of the new run. Rejects with GatewayError `malformed`, `refused` or `unknown_principal`. */
async function principalOf({ principals, refusals }: RunParts, body: RunRequest, { id: caller, run, address }: Caller): Promise<Principal> {
  const id = body.principal ?? run?.principal.id;
  if (id === undefined) {
    throw new GatewayError('malformed', 'principal: say who the run is for.');
  }
  if (run !== undefined && id !== run.principal.id) {
    const error = new GatewayError('refused', `A run of ${run.principal.id} may not open runs for ${id}: only an administrator may.`);
    return refusals.refuse({ address, protocol: 'api', principal: caller, error });
  }
  const principal = principals().get(id);
  if (principal === undefined) {
    throw unknownPrincipal(id);
  }
  return principal;
}

/**
 * Finds the run that contains the new one: the caller's own run, or the run whose token is presented (ATTACKS B19). Rejects with GatewayError
 * `unauthenticated`.
 */
async function parentOf({ authenticator, sessions, refusals }: RunParts, { parent }: RunRequest, by: Caller): Promise<ParentRun | null> {
  if (by.run === undefined && parent === undefined) {
    return null;
  }
  const outcome = by.run === undefined ? await authenticator.authenticate(parent ?? '') : { identity: by.run };
  const identity = 'refused' in outcome ? null : outcome.identity;
  const run = identity?.session === undefined ? null : sessions.find(identity.session);
  if (identity === null || run?.isRun !== true) {
    const error = new GatewayError('unauthenticated', 'The run that would contain this one has ended, or this is not its token.');
    return refusals.refuse({ address: by.address, protocol: 'api', principal: by.id, error });
  }
  const { standing, targets } = identity;
  return { run, reaches: (name) => standing.principal.targets.includes(name) && targets?.includes(name) !== false };
}

/** Finds the targets that the run reaches. Throws GatewayError `refused` if more targets are wanted than are granted. */
function targetsOf(
  { targets }: RunParts,
  body: RunRequest,
  { principal, parent }: { readonly principal: Principal; readonly parent: ParentRun | null },
): readonly string[] {
  const reached = principal.targets.filter((name) => targets().has(name) && parent?.reaches(name) !== false);
  const wanted = body.targets.length > 0 ? body.targets : reached;
  const missing = wanted.find((name) => !reached.includes(name));
  if (missing !== undefined) {
    const whose = parent === null ? '' : ', or the run that would contain this one does not reach it';
    throw new GatewayError('refused', `${principal.id} was not granted a target "${missing}"${whose}.`);
  }
  return wanted;
}
