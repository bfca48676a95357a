import { z } from 'zod';
import { actBeyond, allRights, withoutGuarded } from '../../access/rights.ts';
import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { FileChange } from '../../policy/candidate.ts';
import { recordOwnDecision } from '../../sessions/own-decision.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import type { Caller } from '../caller.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { filesBytesMax, policyFileName, policyFileText } from '../policy-desk.ts';
import { savePolicyAction } from '../policy-history.ts';

type Parts = Pick<ApiParts, 'policyDesk' | 'policy' | 'recorder' | 'guardedClasses'>;

export const savePolicyFile = endpoint({
  id: 'savePolicyFile',
  method: 'PUT',
  path: '/api/v1/policy/files/:file',
  summary: 'Saves a file of policies, if `policy check` finds no fault in all of them, and puts it into force. Who did it is recorded.',
  description:
    'Not where the configuration says `savePolicies: false` or names no directory that the gateway may write to. Policies about recordings say who may read what, and who decides on a held request reads it: only who may do everything with all recordings changes policies about recordings, and those with `@approval` by a group of their own.',
  params: { file: policyFileName },
  body: jsonBody(
    z.strictObject({
      text: policyFileText,
      sha256: z.string().nullable().describe('The digest that the file had when it was read; null: it is new. If it has another one now, nothing is saved.'),
      force: z.boolean().default(false).describe('True: it is saved also with policies that can never do what they are written for.'),
    }),
    filesBytesMax,
  ),
  answer: json(
    z.object({
      sha256: z.string().describe('The digest of the file as it is now.'),
      version: z.string().describe('The version of the policies that is now in force.'),
      changes: z.string().nullable().describe('The number of policies, and those that were removed, added and changed; null if they are the same.'),
      withdrawn: z.int().describe('The number of approvals that were withdrawn because of the change.'),
    }),
  ),
  errors: ['config_invalid', 'conflict', 'unsupported', 'stopping'],
  act: async ({ policyDesk, policy, recorder, guardedClasses }: Parts, { caller, params: { file }, body, signal }) => {
    caller.requireFresh('policies');
    const record = async (verdict: 'allow' | 'deny', reason: string, change: FileChange): Promise<void> =>
      recordOwnDecision(recorder, { action: savePolicyAction, verdict, reason, attributes: attributesOf(change, caller) });
    let begun: FileChange | null = null;
    const begin = async (change: FileChange): Promise<void> => {
      caller.check();
      const all = withoutGuarded(allRights, { classes: guardedClasses(), opened: [] });
      const opening = openingOf(change, caller);
      if (opening !== null && actBeyond(all, caller.rights) !== null) {
        throw new GatewayError('refused', `${opening} They are changed by who may do everything with all recordings, or by the operator in the file.`);
      }
      await record('allow', `the file of policies ${file}`, change);
      begun = change;
    };
    try {
      const { changes, withdrawn, sha256 } = await policyDesk.save({ file, ...body }, begin, signal);
      return { sha256, version: policy().version, changes, withdrawn };
    } catch (error) {
      if (begun !== null) {
        await record('deny', `the file of policies ${file} did not come into force: ${error instanceof Error ? error.message : String(error)}`, begun);
      }
      throw error;
    }
  },
});

/** Says how a change may open to somebody what they may not read; null if it does not. */
function openingOf({ changesRecordings, newDeciders }: FileChange, { standing }: Caller): string | null {
  const own = newDeciders.find((group) => standing?.principal.groups.includes(group) === true);
  if (changesRecordings) {
    return 'Policies about recordings say who may read what.';
  }
  return own === undefined ? null : `Who decides on a held request reads it, and you are a member of ${own}, which such policies name.`;
}

function attributesOf({ file, oldSha256, newSha256, oldVersion, newVersion }: FileChange, { id, address }: Caller): Attributes {
  return {
    'user.id': id,
    'client.address': address,
    [ownAttributes.policyFile]: file,
    [ownAttributes.policyOldFileSha256]: oldSha256 ?? '',
    [ownAttributes.policyFileSha256]: newSha256,
    [ownAttributes.policyOldVersion]: oldVersion,
    [ownAttributes.policyNewVersion]: newVersion,
  };
}
