import { administrators } from '../domain/local-administrator.ts';
import type { Principal } from '../domain/principal.ts';
import type { Act } from '../domain/recording-acts.ts';
import { parseQuery } from '../query/parse-query.ts';
import { termsOf, UnreadableQuery } from '../query/query.ts';
import { parseTime } from '../query/times.ts';

interface BuiltInRole {
  readonly may: readonly Act[];
  /** `query`: a role of it may be limited to some records. `window`: and must be limited to a time. `own`: it is limited to the records of who has it. `none`: no limit makes sense. */
  readonly limit: 'query' | 'window' | 'own' | 'none';
}

const reading = ['list', 'search', 'facts'] as const;

export const builtInRoles = {
  administrator: { may: [...reading, 'watch', 'halt', 'approve', 'hold', 'erase', 'administer'], limit: 'none' },
  operator: { may: [...reading, 'watch', 'halt'], limit: 'query' },
  approver: { may: ['approve'], limit: 'none' },
  analyst: { may: [...reading, 'content', 'watch', 'export'], limit: 'query' },
  auditor: { may: [...reading, 'content', 'export'], limit: 'window' },
  owner: { may: [...reading, 'content', 'watch', 'export'], limit: 'own' },
} as const satisfies Readonly<Record<string, BuiltInRole>>;

export type BuiltInRoleName = keyof typeof builtInRoles;

/** A role of the configuration: what the members of its groups may do, with which records, until when. */
export interface Role {
  readonly name: string;
  readonly role: BuiltInRoleName;
  readonly groups: readonly string[];
  /** The acts that it allows: all of the built-in role, or some of them. */
  readonly may: readonly Act[];
  /** Queries that all hold for the records of the role. Ages in them count from the time of the question. */
  readonly conditions: readonly string[];
  /** When the role ends, in ms since 1970; null: never. */
  readonly expiresMs: number | null;
}

/** A role as the configuration has it. */
export interface WrittenRole {
  readonly role?: BuiltInRoleName | undefined;
  readonly groups: readonly string[];
  readonly may?: readonly Act[] | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly expires?: string | undefined;
  readonly query?: string | undefined;
}

const givenRoles: readonly Role[] = [
  { name: 'administrator', role: 'administrator', groups: [administrators], may: builtInRoles.administrator.may, conditions: [], expiresMs: null },
];

function isBuiltIn(name: string): name is BuiltInRoleName {
  return Object.hasOwn(builtInRoles, name);
}

/** Returns the faults of a role, each with the member that has it; null: the role as a whole. */
export function faultsOfRole(name: string, written: WrittenRole): readonly { readonly at: keyof WrittenRole | null; readonly message: string }[] {
  const { since, until, expires, query } = written;
  const role = isBuiltIn(name) ? name : written.role;
  if (role === undefined) {
    return [{ at: null, message: `${name} is no built-in role: say which one it is, role: ${Object.keys(builtInRoles).join(', ')}` }];
  }
  if (written.role !== undefined && written.role !== role) {
    return [{ at: 'role', message: `the name ${name} is that of a built-in role: call it something else, or leave role out` }];
  }
  const { limit, may: allowed }: BuiltInRole = builtInRoles[role];
  const beyond = written.may?.find((act) => !allowed.includes(act));
  if (beyond !== undefined) {
    return [{ at: 'may', message: `the role ${role} does not ${beyond}: may takes away, and leaves some of ${allowed.join(', ')}` }];
  }
  const limited = (['since', 'until', 'query'] as const).find((member) => written[member] !== undefined);
  if (limit === 'none' && limited !== undefined) {
    return [{ at: limited, message: `the role ${role} is not limited to some records: leave ${limited} out` }];
  }
  const times = (['since', 'until', 'expires'] as const).flatMap((member) => {
    const time = written[member];
    return time === undefined || parseTime(time) !== null
      ? []
      : [{ at: member, message: 'a time is written 2026-11-29, 2026-11-29T14:30 or 2026-11-29T14:30:00Z, in UTC' }];
  });
  const isOpen = limit === 'window' && (since === undefined || (until ?? expires) === undefined);
  const begin = parseTime(since ?? '');
  const turned = (['until', 'expires'] as const).filter((member) => begin !== null && (parseTime(written[member] ?? '')?.endMs ?? Infinity) <= begin.startMs);
  return [
    ...times,
    ...turned.map((at) => ({ at, message: `${at} is before since, so the role would read nothing` })),
    ...(isOpen ? [{ at: null, message: 'an auditor reads the records of a time: since and until are needed, or since and expires' }] : []),
    ...faultsOfQuery(query ?? '').map((message) => ({ at: 'query' as const, message })),
  ];
}

function faultsOfQuery(query: string): readonly string[] {
  try {
    const terms = termsOf(parseQuery(query, 0));
    return terms.some(({ test }) => test.by === 'phrase') ? ['words of the text do not say which records a role is about: use fields, as target:orders'] : [];
  } catch (error) {
    if (error instanceof UnreadableQuery) {
      return [`${error.place.message} (at character ${error.place.at + 1})`];
    }
    throw error;
  }
}

/** Makes a role of an entry that has no faults. */
export function openRole(name: string, { role: written, groups, may, since, until, expires, query }: WrittenRole): Role {
  const role = isBuiltIn(name) ? name : (written ?? 'operator');
  return {
    name,
    role,
    groups,
    may: may ?? builtInRoles[role].may,
    conditions: [
      ...(query === undefined ? [] : [query]),
      ...(since === undefined ? [] : [`since:${since}`]),
      ...(until === undefined ? [] : [`until:${until}`]),
    ],
    expiresMs: expires === undefined ? null : (parseTime(expires)?.endMs ?? 0),
  };
}

/** Returns the roles that a principal has at a time. */
export function rolesOf(roles: readonly Role[], { groups }: Pick<Principal, 'groups'>, nowMs: number): readonly Role[] {
  return [...givenRoles, ...roles].filter(
    ({ groups: given, expiresMs }) => given.some((group) => groups.includes(group)) && (expiresMs === null || nowMs < expiresMs),
  );
}
