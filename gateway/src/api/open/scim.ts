import { randomUUID } from 'node:crypto';
import { GatewayError } from '../../domain/errors.ts';
import type { Issuer } from '../../domain/issuer.ts';
import { faultOfShownSecret } from '../../domain/shown-secret.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { problemOf } from '../../exchange/problem.ts';
import { tokenIn } from '../../exchange/token-header.ts';
import { ShownSecret } from '../../identity/shown-secret.ts';
import { attempt } from '../../sessions/attempt.ts';
import type { Account } from '../../store/accounts.ts';
import { readBytes } from '../body.ts';
import { checkOrigin } from '../credential.ts';
import type { OpenCall, OpenRoute } from '../open-route.ts';
import type { ApiParts } from '../parts.ts';
import { recordDeparture } from '../departure-records.ts';
import { patchUser, readUser, shownUser, type SaidUser } from './scim-user.ts';

const mediaType = 'application/scim+json';
const bodyBytesMax = 64 * 1024;
/** Most users in one answer. */
const countMax = 200;
const startMax = 1_000_000_000;
/** A change is tried again so often because another one came before it. */
const attemptsMax = 5;
const secretCharactersMax = 4_096;

/** A request of the directory of an issuer. */
interface ScimCall extends OpenCall {
  readonly issuer: Issuer;
  readonly parts: ApiParts;
}

/**
 * The users of SCIM 2.0 (RFC 7643, RFC 7644), as far as the directories of Okta and Entra need them to say who has left. A user grants nothing; whoever is not active
 * does not come in.
 */
export const scimRoutes: readonly OpenRoute[] = [
  route('GET', '/scim/v2/ServiceProviderConfig', async () => answer(200, serviceProviderConfig)),
  route('GET', '/scim/v2/Users', async (call) => answer(200, await findUsers(call))),
  route('POST', '/scim/v2/Users', createUser),
  route('GET', '/scim/v2/Users/:id', async (call) => answer(200, shownUser(await find(call)))),
  route('PUT', '/scim/v2/Users/:id', async (call) => changeUser(call, ({ isActive }, sent) => readUser(sent, isActive))),
  route('PATCH', '/scim/v2/Users/:id', async (call) => changeUser(call, patchUser)),
  route('DELETE', '/scim/v2/Users/:id', removeUser),
];

function route(method: OpenRoute['method'], path: string, act: (call: ScimCall) => Promise<Response>): OpenRoute {
  return {
    method,
    path,
    handle: async (parts, call) => {
      try {
        checkOrigin(call.incoming);
        const issuer = await attempt(parts.refusals, { address: call.address, protocol: 'api' }, () => findIssuer(parts, call));
        return await act({ ...call, issuer, parts });
      } catch (error) {
        if (!(error instanceof GatewayError)) {
          throw error;
        }
        const { status, detail } = problemOf(error);
        const kind = status === 409 ? { scimType: 'uniqueness' } : error.code === 'unsupported' ? { scimType: 'invalidFilter' } : {};
        return answer(status, { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail, ...kind });
      }
    },
  };
}

/** Finds the issuer whose directory asks, by the secret that it shows. Throws GatewayError `unauthenticated`. */
function findIssuer({ issuers }: ApiParts, { incoming }: OpenCall): Issuer {
  const shown = tokenIn(incoming.headers.authorization ?? '').slice(0, secretCharactersMax);
  const found = [...issuers().values()].find(({ scim }) => scim !== null && isShown(scim(), shown));
  if (found === undefined) {
    throw new GatewayError('unauthenticated', 'The secret is not that of an issuer: identity.issuers.NAME.scim of the configuration names it.');
  }
  return found;
}

/** True if a secret is shown. One that is too short by now is shown by nobody. */
function isShown(secret: string, shown: string): boolean {
  return faultOfShownSecret(secret) === null && new ShownSecret(secret).matches(shown);
}

async function find({ parts, issuer, params }: ScimCall): Promise<Account> {
  const account = await parts.accounts.find(issuer.name, params['id'] ?? '');
  if (account === null) {
    throw new GatewayError('not_found', 'There is no user of this id.');
  }
  return account;
}

/** Finds users, all or those of a name. Rejects with GatewayError `unsupported` for another filter. */
async function findUsers({ parts: { accounts }, issuer, request }: ScimCall): Promise<unknown> {
  const { searchParams } = new URL(request.url);
  const [filter, from, count] = ['filter', 'startIndex', 'count'].map((name) => searchParams.get(name));
  const start = Math.min(Math.max(1, Math.trunc(Number(from ?? 1)) || 1), startMax);
  const limit = Math.min(Math.max(0, Math.trunc(Number(count ?? countMax)) || 0), countMax);
  if (filter === null || filter === undefined) {
    const { total, accounts: listed } = await accounts.list(issuer.name, { from: start - 1, limit });
    return listOf(total, start, listed);
  }
  const [, attribute = '', written = ''] = /^\s*(userName|externalId|id)\s+eq\s+("(?:[^"\\]|\\.)*")\s*$/i.exec(filter) ?? [];
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch {
    value = null;
  }
  if (typeof value !== 'string') {
    throw new GatewayError('unsupported', 'The filters that are known: userName eq "NAME", externalId eq "ID", id eq "ID".');
  }
  const name = attribute.toLowerCase();
  const found = await (name === 'username'
    ? accounts.findByName(issuer.name, value)
    : name === 'externalid'
      ? accounts.findByExternalId(issuer.name, value)
      : accounts.find(issuer.name, value));
  return listOf(found === null ? 0 : 1, start, found === null || start > 1 || limit === 0 ? [] : [found]);
}

function listOf(total: number, start: number, accounts: readonly Account[]): unknown {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: total,
    startIndex: start,
    itemsPerPage: accounts.length,
    Resources: accounts.map(shownUser),
  };
}

async function createUser(call: ScimCall): Promise<Response> {
  const said = readUser(await json(call), true);
  const now = Date.now();
  return change(call, { id: randomUUID(), issuer: call.issuer.name, ...said, createdMs: now, changedMs: now }, said, true);
}

async function changeUser(call: ScimCall, saying: (account: Account, sent: unknown) => SaidUser): Promise<Response> {
  const sent = await json(call);
  for (let attempts = 1; ; attempts += 1) {
    const account = await find(call);
    try {
      return await change(call, account, saying(account, sent));
    } catch (error) {
      // Another request may have changed the account since it was read.
      if (!(error instanceof GatewayError) || error.code !== 'conflict' || attempts === attemptsMax) {
        throw error;
      }
    }
  }
}

/** Keeps what the directory says of a user, and ends what somebody opened who is not active any more. */
async function change(call: ScimCall, account: Account, said: SaidUser, isNew = false): Promise<Response> {
  const { parts, issuer } = call;
  const named = await parts.accounts.findByName(issuer.name, said.userName);
  if (named !== null && named.id !== account.id) {
    throw new GatewayError('conflict', 'There is a user of this name already.');
  }
  const after = { ...account, ...said, changedMs: isNew ? account.changedMs : Math.max(Date.now(), account.changedMs + 1) };
  await parts.departures.put(after, isNew ? null : account);
  // Said again, it is recorded again: the directory may not have been told that it is done.
  if (!said.isActive || (!isNew && !account.isActive)) {
    await record(call, after, said.isActive ? 'gateway.activate_account' : 'gateway.deactivate_account');
  }
  return answer(isNew ? 201 : 200, shownUser(after), isNew ? { location: `/scim/v2/Users/${after.id}` } : {});
}

async function removeUser(call: ScimCall): Promise<Response> {
  const account = await find(call);
  await call.parts.departures.remove(account);
  await record(call, account, 'gateway.remove_account');
  return new Response(null, { status: 204 });
}

async function record(
  { parts, issuer, address }: ScimCall,
  { userName, externalId }: Account,
  action: 'gateway.activate_account' | 'gateway.deactivate_account' | 'gateway.remove_account',
): Promise<void> {
  await recordDeparture(parts.recorder, {
    action,
    attributes: {
      'user.id': `issuer:${issuer.name}`,
      'client.address': address,
      [ownAttributes.issuer]: issuer.url,
      [ownAttributes.account]: [userName, ...(externalId === null ? [] : [externalId])],
    },
  });
}

async function json({ request }: ScimCall): Promise<unknown> {
  try {
    return JSON.parse((await readBytes(request, bodyBytesMax)).toString());
  } catch (cause) {
    if (cause instanceof GatewayError) {
      throw cause;
    }
    throw new GatewayError('malformed', 'The request body is not JSON.', { cause });
  }
}

function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(body, { status, headers: { 'content-type': mediaType, ...headers } });
}

const serviceProviderConfig = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: countMax },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: false },
  authenticationSchemes: [
    { type: 'oauthbearertoken', name: 'Bearer', description: 'The secret that the configuration names under identity.issuers.NAME.scim.' },
  ],
};
