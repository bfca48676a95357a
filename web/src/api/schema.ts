/** Made by `node tools/openapi.ts`: the API as docs/openapi.json has it. */

/** There is none of it. */
type Nothing = Readonly<Record<string, never>>;

/** The schemas that the document names. */
export interface Schemas {
  readonly Alert: {
    readonly alert: string;

    /** The name of the rule that raised it. */
    readonly rule: string;

    /** What its records have in common, each `FIELD=VALUE`; `others` if it stands for many of these. */
    readonly by: readonly string[];
    readonly severity: 'info' | 'low' | 'medium' | 'high' | 'critical';
    readonly state: 'open' | 'acknowledged' | 'closed';
    readonly assignee: string | null;

    /** How many records it counts. */
    readonly count: number;

    /** The time of the first of them. */
    readonly first: string;

    /** The time of the last of them. */
    readonly last: string;

    /** `LOG/INDEX` of some of them, the last of them last. */
    readonly records: readonly string[];

    /** `LOG/INDEX` of the record that raised it. */
    readonly raised: string;

    /** What people did with it, oldest first. */
    readonly steps: readonly {
      readonly what: 'acknowledge' | 'assign' | 'close';
      readonly by: string;
      readonly note: string | null;
      readonly assignee: string | null;
      readonly time: string;
    }[];
  };

  /** The configuration that is now in force. */
  readonly AppliedConfig: {
    readonly file: string;
    readonly principals: number;
    readonly targets: number;

    /** The sections of the file that were changed since the start and need a restart. */
    readonly waiting: readonly string[];

    /** The number of policies, and those that were removed, added and changed; null if they are the same. */
    readonly changes: string | null;

    /** The number of approvals that were withdrawn because of the change. */
    readonly withdrawn: number;
  };

  /** An approval with what is needed to decide on it. */
  readonly ApprovalDetails: {
    readonly approval: string;
    readonly session: string;

    /** `LOG/INDEX` of the record of the request. */
    readonly record: string;
    readonly principal: string;
    readonly onBehalfOf: string | null;
    readonly target: string;
    readonly action: string;

    /** The request as people read it, cut at a limit. It contains control characters as they were sent. Empty for who may not read it. */
    readonly text: string;

    /** One person of each of these groups must grant, and each another one. */
    readonly groups: readonly string[];

    /** The groups for which somebody has granted. */
    readonly granted: readonly string[];
    readonly state: 'waiting' | 'granted' | 'spent' | 'denied' | 'expired' | 'withdrawn';

    /** What the client of the request does next. */
    readonly next: 'wait' | 'resend' | 'stop';
    readonly requested: string;
    readonly expires: string;

    /** The policies that hold the request. */
    readonly policies: readonly string[];
    readonly reason: string;

    /** To which the approval is bound: of the request, who asks, and the policies. In hex. */
    readonly digest: string;
    readonly grants: readonly {
      readonly by: string;

      /** Those of the groups for which this person can stand. Of who broke the glass: the groups that may. */
      readonly groups: readonly string[];

      /** True: the one who asked let the request go on, in an emergency. */
      readonly isBreak: boolean;
      readonly note: string;
      readonly time: string;

      /** `LOG/INDEX` of the record of the grant. */
      readonly record: string;
    }[];

    /** How the approval ended: `state` says in which way. Absent while it is open. */
    readonly end?: {
      /** Who denied it. Absent if it was not denied. */
      readonly by?: string;

      /** Why it was denied, withdrawn, or expired. Absent if it was used. */
      readonly reason?: string;
      readonly time: string;

      /** `LOG/INDEX` of the record of the end. Absent if it could not be recorded. */
      readonly record?: string;
    };

    /** How many rows the request would change, as its target estimates. Absent if that is not known, or not yet: it comes some time after the request. */
    readonly estimatedRows?: number;

    /** The record of the request. Null if the request is not in the index. */
    readonly request: Schemas['ShownRecord'] | null;

    /** The last requests of the session before it, prompts to models among them. Long texts are cut. */
    readonly before: readonly Schemas['ShownRecord'][];
  };

  /** An approval in a list. */
  readonly ApprovalSummary: {
    readonly approval: string;
    readonly session: string;

    /** `LOG/INDEX` of the record of the request. */
    readonly record: string;
    readonly principal: string;
    readonly onBehalfOf: string | null;
    readonly target: string;
    readonly action: string;

    /** The request as people read it, cut at a limit. It contains control characters as they were sent. Empty for who may not read it. */
    readonly text: string;

    /** One person of each of these groups must grant, and each another one. */
    readonly groups: readonly string[];

    /** The groups for which somebody has granted. */
    readonly granted: readonly string[];
    readonly state: 'waiting' | 'granted' | 'spent' | 'denied' | 'expired' | 'withdrawn';

    /** What the client of the request does next. */
    readonly next: 'wait' | 'resend' | 'stop';
    readonly requested: string;
    readonly expires: string;
  };

  /** Whom a token stands for. */
  readonly Caller: {
    /** The id of the principal, or `operator`. */
    readonly principal: string;

    /** Null: the caller is the operator. */
    readonly kind: 'human' | 'agent' | null;
    readonly groups: readonly string[];

    /** The names of the targets that the grants allow. */
    readonly targets: readonly string[];

    /** What roles and policies allow the caller with recordings, with some records at least. */
    readonly may: readonly ('list' | 'search' | 'facts' | 'content' | 'watch' | 'export' | 'halt' | 'approve' | 'administer')[];

    /** The roles that the caller has now, without what policies say of them. Empty: none, or the caller is the operator, who may do everything. */
    readonly roles: readonly Schemas['HeldRole'][];
    readonly onBehalfOf: string | null;

    /** The public id of the token. */
    readonly token: string | null;

    /** When the token ends. Null: never. */
    readonly expires: string | null;

    /** The address of the issuer that vouched for the caller. Null: the token is one of the gateway. */
    readonly issuer: string | null;

    /** How the issuer knows the caller: the claim `sub`. */
    readonly subject: string | null;

    /** The session of the run, for the token of a run. */
    readonly session: string | null;

    /** The log of this gateway, as in the names of its records, `LOG/INDEX`. */
    readonly log: string;
  };

  readonly ConnectionInstructions: {
    readonly url: string;

    /** The environment variables that common clients read, for instance PGHOST. */
    readonly environment: Readonly<Record<string, string>>;

    /** A command to type, without the token. */
    readonly command: string;
  };

  /** A value of a field, and how many records have it. */
  readonly CountedValue: { readonly value: string; readonly count: number };

  readonly Finding: {
    readonly sign: string;

    /** What was found. */
    readonly words: string;

    /** How many records show it. */
    readonly count: number;

    /** What it adds to the risk. */
    readonly weight: number;

    /** `LOG/INDEX` of the first of them. Null: it is the time of the session that shows it. */
    readonly record: string | null;

    /** The number of this record in the session. */
    readonly seq: number | null;
  };

  /** A record that was found. */
  readonly FoundRecord: {
    /** `LOG/INDEX`. */
    readonly record: string;
    readonly session: string;
    readonly seq: number;
    readonly time: string;
    readonly principal: string | null;
    readonly onBehalfOf: string | null;
    readonly target: string | null;
    readonly protocol: string | null;
    readonly kind: string;
    readonly action: string | null;
    readonly verdict: string | null;
    readonly policies: readonly string[];
    readonly attributes: Readonly<Record<string, string | number | boolean | readonly string[]>>;

    /** The part of the text that was looked for, or its beginning. */
    readonly snippet: string | null;

    /** False if a body of the record is not what its leaf commits to. */
    readonly verified: boolean;
  };

  /** A session with records that were found. */
  readonly FoundSession: {
    /** 32 hex digits. */
    readonly session: string;

    /** Null for a session of the gateway itself. */
    readonly principal: string | null;
    readonly opened: string;
    readonly closed: string | null;
    readonly targets: readonly string[];
    readonly records: number;

    /** `suspended`: it ended because its principal was suspended. `interrupted`: a crash of the gateway ended it. */
    readonly state: 'open' | 'closed' | 'halted' | 'suspended' | 'interrupted';

    /** The beginning of the first prompt or statement. Null if there is none, or content is not to be shown. */
    readonly title: string | null;

    /** From the beginning to the end, or to now. */
    readonly durationMs: number;

    /** How many records there are of each kind, also in the words of queries: `prompt`, `statement`, `rows`. */
    readonly counts: Readonly<Record<string, number>>;

    /** The principals for whom it acted. */
    readonly onBehalfOf: readonly string[];

    /** The data classes of values in it. */
    readonly classes: readonly string[];
    readonly risk: {
      /** From 0 to 100. */
      readonly score: number;

      /** What adds to it, and how much. */
      readonly reasons: readonly string[];
    };
    readonly findings: readonly Schemas['Finding'][];

    /** How many of its records are not in the index of records yet, so that all of this lacks them. */
    readonly unindexed: number;

    /** How many of its records were found. */
    readonly found: number;
  };

  readonly HaltedSession: {
    readonly halted: string;

    /** The id of the token of the session if it is still valid and can open other sessions; null if it ended with the session, like the token of a run. */
    readonly token: string | null;
  };

  /** A role of somebody, with its bounds. */
  readonly HeldRole: {
    readonly name: string;

    /** The built-in role that it is. */
    readonly role: string;
    readonly may: readonly ('list' | 'search' | 'facts' | 'content' | 'watch' | 'export' | 'halt' | 'approve' | 'administer')[];

    /** True: only records that the caller made, or that were made on its behalf. */
    readonly own: boolean;

    /** Conditions, as queries, that all hold for the records of the role. Empty: none. */
    readonly query: readonly string[];

    /** When the role ends. Null: never. */
    readonly expires: string | null;
  };

  /** An OpenID provider whose tokens the gateway accepts. */
  readonly Issuer: {
    /** The name that begins the names of its principals. */
    readonly name: string;

    /** The address of the issuer, its claim `iss`. */
    readonly url: string;

    /** The client as which a command signs people in. */
    readonly clientId: string;

    /** What the claim `aud` of a token for this gateway has. */
    readonly audience: string;

    /** The scopes that a command asks for. */
    readonly scope: string;
  };

  /** A token that was just made. */
  readonly NewToken: {
    readonly id: string;
    readonly principal: string;
    readonly onBehalfOf: string | null;
    readonly created: string;
    readonly expires: string;
    readonly revoked: string | null;
    readonly token: string;
  };

  readonly OpenedRun: {
    readonly session: string;

    /** The token of the run. It is valid only inside the run, and ends with it. */
    readonly token: string;
    readonly traceparent: string;

    /** The environment variables for the command. */
    readonly environment: Readonly<Record<string, string>>;
  };

  /** The content of a session that nobody reads alone. */
  readonly Opening: {
    readonly opening: string;
    readonly session: string;

    /** Who asks for the content. */
    readonly by: string;
    readonly reason: string;

    /** The second person. Null: it waits for one. */
    readonly grantedBy: string | null;

    /** When it ends: a day after it was asked for, an hour after it was granted. */
    readonly ends: string;
  };

  /** An approval, as the one who asked sees it. */
  readonly OwnApproval: {
    readonly approval: string;
    readonly state: 'waiting' | 'granted' | 'spent' | 'denied' | 'expired' | 'withdrawn';

    /** What the client of the request does next. */
    readonly next: 'wait' | 'resend' | 'stop';
  };

  /** A passkey of a local administrator. */
  readonly Passkey: {
    /** The id of the passkey (WebAuthn), in base64url. */
    readonly id: string;

    /** Who signs in with it. */
    readonly principal: string;
    readonly created: string;

    /** When somebody last signed in with it. Null: never. */
    readonly used: string | null;
  };

  /** A human or agent that may use the gateway. */
  readonly Principal: {
    readonly id: string;

    /** Null: it is of an issuer, and has shown no token since the start. */
    readonly kind: 'human' | 'agent' | null;
    readonly groups: readonly string[];

    /** The names of the targets that the principal may use. */
    readonly targets: readonly string[];

    /** By whom, when and why it was suspended. Null: it is not. */
    readonly suspended: { readonly by: string; readonly since: string; readonly reason: string } | null;
  };

  /** An error: RFC 9457. */
  readonly Problem: {
    /** `urn:countersign:error:` and the code. */
    readonly type: string;

    /** The code. */
    readonly title: string;
    readonly status: number;

    /** What happened, and what to do about it. */
    readonly detail: string;

    /** docs/errors.md explains each code. */
    readonly code:
      | 'config_invalid'
      | 'unauthenticated'
      | 'sign_in_again'
      | 'issuer_unreachable'
      | 'store_unreachable'
      | 'throttled'
      | 'unknown_target'
      | 'unknown_principal'
      | 'refused'
      | 'held'
      | 'target_unreachable'
      | 'target_login_failed'
      | 'target_tls_failed'
      | 'target_refused_credential'
      | 'cannot_record'
      | 'catching_up'
      | 'halted'
      | 'stopping'
      | 'limit_exceeded'
      | 'deadline_exceeded'
      | 'malformed'
      | 'unsupported'
      | 'not_upgraded'
      | 'not_found'
      | 'not_recorded'
      | 'conflict'
      | 'store_damaged'
      | 'store_rolled_back'
      | 'store_in_use'
      | 'key_unavailable'
      | 'internal';
    readonly session?: string;
  };

  /** A field of queries (docs/search.md). */
  readonly QueryField: {
    readonly name: string;

    /** What it says of a record. */
    readonly title: string;

    /** All values that it can have. Empty: any. */
    readonly values: readonly string[];
  };

  /** A target that the token reaches. */
  readonly ReachedTarget: {
    readonly protocol: string;

    /** `stream`: the protocol has a listener of its own. `exchange`: it uses HTTP. */
    readonly transport: 'stream' | 'exchange';
  };

  readonly ReviewCoverage: {
    readonly threshold: number;

    /** How many sessions have ended. */
    readonly ended: number;

    /** How many of them have at least this risk. */
    readonly toReview: number;

    /** How many of these were reviewed. */
    readonly reviewed: number;
  };

  readonly ReviewedSession: {
    /** 32 hex digits. */
    readonly session: string;

    /** Null for a session of the gateway itself. */
    readonly principal: string | null;
    readonly opened: string;
    readonly closed: string | null;
    readonly targets: readonly string[];
    readonly records: number;

    /** `suspended`: it ended because its principal was suspended. `interrupted`: a crash of the gateway ended it. */
    readonly state: 'open' | 'closed' | 'halted' | 'suspended' | 'interrupted';

    /** The beginning of the first prompt or statement. Null if there is none, or content is not to be shown. */
    readonly title: string | null;

    /** From the beginning to the end, or to now. */
    readonly durationMs: number;

    /** How many records there are of each kind, also in the words of queries: `prompt`, `statement`, `rows`. */
    readonly counts: Readonly<Record<string, number>>;

    /** The principals for whom it acted. */
    readonly onBehalfOf: readonly string[];

    /** The data classes of values in it. */
    readonly classes: readonly string[];
    readonly risk: {
      /** From 0 to 100. */
      readonly score: number;

      /** What adds to it, and how much. */
      readonly reasons: readonly string[];
    };
    readonly findings: readonly Schemas['Finding'][];

    /** How many of its records are not in the index of records yet, so that all of this lacks them. */
    readonly unindexed: number;

    /** The opinion of a model, which nobody checked; null: there is none. */
    readonly suggestion: {
      readonly model: string;

      /** `low`, `medium` or `high`. */
      readonly risk: string;

      /** The numbers of the records that it names. */
      readonly records: readonly number[];

      /** The session in which the model was asked, with its words. */
      readonly asked: string;
      readonly time: string;

      /** `LOG/INDEX` of its record. */
      readonly record: string;
    } | null;

    /** The newest review of it; null: there is none. */
    readonly review: {
      readonly by: string;
      readonly note: string;
      readonly time: string;

      /** `LOG/INDEX` of its record. */
      readonly record: string;
    } | null;
  };

  readonly RunRequest: {
    /** The principal of the run. A run opens runs only for its own principal; an administrator must name one. */
    readonly principal?: string;

    /** The targets that the run reaches. Empty: all that the principal may use. */
    readonly targets?: readonly string[];

    /** The command, for the record. */
    readonly command?: string;

    /** The token of a run: the new run is opened inside that one. The token proves who may do so; a run cannot be named in another way. Not needed if the caller is a run. */
    readonly parent?: string;

    /** True if the output of the command will be sent to be recorded. */
    readonly recordOutput?: boolean;
  };

  readonly SavedSearch: {
    readonly name: string;
    readonly query: string;

    /** Who saved it. */
    readonly by: string;
    readonly time: string;

    /** `LOG/INDEX` of its record. */
    readonly record: string;
  };

  /** The last line. */
  readonly SearchSummary: {
    readonly summary: {
      /** How many records the query may hold for. */
      readonly count: number;

      /** False if fewer may be meant, because the index does not know the order of words. */
      readonly isExact: boolean;

      /** How many records are not in the index yet. Null: some; how many is not for a caller who sees only a part of the records. */
      readonly behind: number | null;

      /** `before` for the rest of the records; null: there is no rest. */
      readonly next: string | null;
    };
  };

  /** A session as people see it. Times are in UTC. */
  readonly SessionOverview: {
    /** 32 hex digits. */
    readonly session: string;

    /** Null for a session of the gateway itself. */
    readonly principal: string | null;
    readonly opened: string;
    readonly closed: string | null;
    readonly targets: readonly string[];
    readonly records: number;

    /** `suspended`: it ended because its principal was suspended. `interrupted`: a crash of the gateway ended it. */
    readonly state: 'open' | 'closed' | 'halted' | 'suspended' | 'interrupted';

    /** The beginning of the first prompt or statement. Null if there is none, or content is not to be shown. */
    readonly title: string | null;

    /** From the beginning to the end, or to now. */
    readonly durationMs: number;

    /** How many records there are of each kind, also in the words of queries: `prompt`, `statement`, `rows`. */
    readonly counts: Readonly<Record<string, number>>;

    /** The principals for whom it acted. */
    readonly onBehalfOf: readonly string[];

    /** The data classes of values in it. */
    readonly classes: readonly string[];
    readonly risk: {
      /** From 0 to 100. */
      readonly score: number;

      /** What adds to it, and how much. */
      readonly reasons: readonly string[];
    };
    readonly findings: readonly Schemas['Finding'][];

    /** How many of its records are not in the index of records yet, so that all of this lacks them. */
    readonly unindexed: number;
  };

  /** A session. Times are in UTC. */
  readonly SessionSummary: {
    /** 32 hex digits. */
    readonly session: string;

    /** Null for a session of the gateway itself. */
    readonly principal: string | null;
    readonly opened: string;
    readonly closed: string | null;
    readonly targets: readonly string[];
    readonly records: number;

    /** `suspended`: it ended because its principal was suspended. `interrupted`: a crash of the gateway ended it. */
    readonly state: 'open' | 'closed' | 'halted' | 'suspended' | 'interrupted';
  };

  /** A record of a session in readable form. */
  readonly ShownRecord: {
    readonly session: string;

    /** The number of the record in its session, from 0 on. */
    readonly seq: number;

    /** UTC, with milliseconds. */
    readonly time: string;
    readonly channel: number | null;
    readonly target: string | null;
    readonly protocol: string | null;

    /** The kind of the record: `open`, `decision`, `event`, `request`, `response` ... */
    readonly kind: string;

    /** The action that was asked for, from the protocol's own catalogue. */
    readonly action: string | null;
    readonly principal: string | null;
    readonly verdict: string | null;
    readonly policies: readonly string[];

    /** Facts, under the attribute names of OpenTelemetry. */
    readonly attributes: Readonly<Record<string, string | number | boolean | readonly string[]>>;
    readonly content: {
      readonly mediaType: string;

      /** The text that a person reads. It contains control characters as they were recorded. */
      readonly text?: string;

      /** The bytes, if they are not text. */
      readonly base64?: string;

      /** The number of recorded bytes. */
      readonly bytes: number;

      /** The rows in the text. Only for who asks for `tables`. */
      readonly tables?: readonly {
        /** The names of the columns. Null: they are not known. */
        readonly columns: readonly string[] | null;
        readonly rows: readonly (readonly string[])[];
      }[];
    } | null;

    /** `LOG/INDEX`: the path of its receipt. */
    readonly record: string;
  };

  /** A target in a list, without its options and its password. */
  readonly TargetSummary: {
    readonly name: string;
    readonly protocol: string;
    readonly host: string;
    readonly port: number;
    readonly path: string;
    readonly user: string;

    /** The program, if the target is one. Its arguments are left out, because they may hold secrets. */
    readonly program?: string;

    /** Where a record must be before the recorded bytes move on. */
    readonly durability: 'disk' | 'process' | 'remote';
  };

  /** A token in a list, without the token itself. Times are in UTC. */
  readonly TokenSummary: {
    readonly id: string;
    readonly principal: string;
    readonly onBehalfOf: string | null;
    readonly created: string;
    readonly expires: string;
    readonly revoked: string | null;
  };

  /** A tool that a target has listed. */
  readonly ToolSummary: {
    readonly name: string;

    /** The SHA-256 of the tool's definition in hex, as the target listed it last. */
    readonly digest: string;

    /** When this definition was first seen; null if that is not known. */
    readonly since: string | null;

    /** The digest of the definition that was pinned; null if none was. */
    readonly pinned: string | null;

    /** `new`: not pinned. `changed`: the definition is not the one that was pinned. */
    readonly state: 'new' | 'pinned' | 'changed';
  };
}

/** The operations of the API, by method and path. */
export interface Operations {
  /** Says that the process answers requests. */
  'GET /healthz': { path: Nothing; query: Nothing; body: Nothing; answer: { readonly status: 'ok' }; line: never };

  /** Describes this API as an OpenAPI 3.1 document. */
  'GET /api/v1/openapi.json': { path: Nothing; query: Nothing; body: Nothing; answer: Readonly<Record<string, unknown>>; line: never };

  /** Says whether requests are served now, and if not, why. */
  'GET /readyz': {
    path: Nothing;
    query: Nothing;
    body: Nothing;
    answer: {
      readonly status: 'ready';

      /** The progress of the index of sessions, while it is not complete. */
      readonly index?: string;

      /** Says that the configuration file or a policy file as it is now was refused, so that what was in force before still is. */
      readonly configuration?: string;

      /** The number of sinks that do not take notices now. Requests are served nevertheless. */
      readonly notices?: string;

      /** The sinks that follow the record and do not take it now, and how many records each is behind. */
      readonly sinks?: string;
    };
    line: never;
  };

  /** Lists the issuers whose tokens are accepted, for commands that sign people in. */
  'GET /api/v1/issuers': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['Issuer'][]; line: never };

  /** Says whom the token of the caller stands for. */
  'GET /api/v1/whoami': { path: Nothing; query: Nothing; body: Nothing; answer: Schemas['Caller']; line: never };

  /** Ends the session of a browser; with `everywhere` all sessions of the person, and all tokens that were made for their sign-ins up to now. With a token of the gateway these are the sessions that were begun with links. */
  'POST /api/v1/sign-out': {
    path: Nothing;
    query: Nothing;
    body: { readonly everywhere?: boolean };
    answer: {
      /** The id of the principal. */
      readonly signedOut: string;

      /** How many sessions of browsers ended. */
      readonly sessions: number;
    };
    line: never;
  };

  /** Makes a link with which a browser is signed in as the caller, once, within a minute. Only this answer contains it. */
  'POST /api/v1/sign-in/link': {
    path: Nothing;
    query: Nothing;
    body: {
      /** Only the operator names one. */
      readonly principal?: string;
    };
    answer: {
      readonly principal: string;

      /** The address of the page on which it is used. */
      readonly link: string;
      readonly expires: string;
    };
    line: never;
  };

  /** Lists targets, in the order of the configuration. */
  'GET /api/v1/targets': {
    path: Nothing;
    query: { readonly after?: string; readonly limit?: number };
    body: Nothing;
    answer: readonly Schemas['TargetSummary'][];
    line: never;
  };

  /** Applies the configuration file as it is now. */
  'POST /api/v1/config/apply': {
    path: Nothing;
    query: Nothing;
    body: {
      /** True: the file is applied even if it has none of the present principals. */
      readonly force?: boolean;
    };
    answer: Schemas['AppliedConfig'];
    line: never;
  };

  /** Says how a client connects to a target. The token itself is left out. */
  'GET /api/v1/targets/{target}/connection': {
    path: { readonly target: string };
    query: { readonly port?: number };
    body: Nothing;
    answer: Schemas['ConnectionInstructions'];
    line: never;
  };

  /** Says whether the token of the caller reaches a target. */
  'GET /api/v1/connect/{target}': { path: { readonly target: string }; query: Nothing; body: Nothing; answer: Schemas['ReachedTarget']; line: never };

  /** Lists the tools that a target has listed to its clients, and whether their definitions are the pinned ones. */
  'GET /api/v1/targets/{target}/tools': {
    path: { readonly target: string };
    query: Nothing;
    body: Nothing;
    answer: readonly Schemas['ToolSummary'][];
    line: never;
  };

  /** Pins the present definitions of the tools of a target, and so accepts those that changed. Who did it is recorded. */
  'POST /api/v1/targets/{target}/tools/pin': {
    path: { readonly target: string };
    query: Nothing;
    body: {
      /** The names of the tools whose present definitions are pinned; absent: all. */
      readonly tools?: readonly string[];
    };
    answer: readonly Schemas['ToolSummary'][];
    line: never;
  };

  /** Lists principals, in the order of the configuration; after them the principals of issuers that are suspended. */
  'GET /api/v1/principals': {
    path: Nothing;
    query: { readonly after?: string; readonly limit?: number };
    body: Nothing;
    answer: readonly Schemas['Principal'][];
    line: never;
  };

  /** Suspends a principal: ends everything that it opened or that was opened on its behalf, withdraws what it granted and nobody has used, and accepts its tokens no more until it is resumed. */
  'POST /api/v1/principals/{principal}/suspend': {
    path: { readonly principal: string };
    query: Nothing;
    body: { readonly reason?: string };
    answer: {
      /** The id of the principal. */
      readonly suspended: string;
    };
    line: never;
  };

  /** Ends the suspension of a principal: its tokens are accepted again. */
  'POST /api/v1/principals/{principal}/resume': {
    path: { readonly principal: string };
    query: Nothing;
    body: { readonly reason?: string };
    answer: {
      /** The id of the principal. */
      readonly resumed: string;
    };
    line: never;
  };

  /** Lists the passkeys of the local administrators, oldest first. */
  'GET /api/v1/passkeys': {
    path: Nothing;
    query: { readonly after?: string; readonly limit?: number };
    body: Nothing;
    answer: readonly Schemas['Passkey'][];
    line: never;
  };

  /** Makes a link with which a local administrator registers a passkey, once, within an hour. Only this answer contains it. */
  'POST /api/v1/passkeys/invitations': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The name of who is invited: the principal is `local/NAME`. */
      readonly name: string;
    };
    answer: {
      /** The id of the principal. */
      readonly principal: string;

      /** The address of the page on which the passkey is registered. */
      readonly link: string;
      readonly expires: string;
    };
    line: never;
  };

  /** Removes a passkey of a local administrator, and ends all that the administrator is signed in with. */
  'DELETE /api/v1/passkeys/{passkey}': {
    path: { readonly passkey: string };
    query: Nothing;
    body: Nothing;
    answer: {
      /** The id of the passkey. */
      readonly removed: string;

      /** Whose it was. */
      readonly principal: string;
    };
    line: never;
  };

  /** Returns the policies in force, the grants included, as text in Cedar. */
  'GET /api/v1/policy': {
    path: Nothing;
    query: Nothing;
    body: Nothing;
    answer: {
      /** Every decision names it. */
      readonly version: string;
      readonly text: string;

      /** Why the files as they are now are not in force; null if they are. */
      readonly refused: string | null;
    };
    line: never;
  };

  /** Returns the record of a version of the policies, with their text. */
  'GET /api/v1/policy/versions/{version}': { path: { readonly version: string }; query: Nothing; body: Nothing; answer: never; line: Schemas['ShownRecord'] };

  /** Lists tokens, oldest first, without those of runs. */
  'GET /api/v1/tokens': {
    path: Nothing;
    query: { readonly after?: string; readonly limit?: number };
    body: Nothing;
    answer: readonly Schemas['TokenSummary'][];
    line: never;
  };

  /** Creates a token. Only this answer contains it. */
  'POST /api/v1/tokens': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The id of a principal. */
      readonly principal: string;

      /** How long the token is valid, in milliseconds: by default a day, at most 366 days. */
      readonly ttlMs?: number;
    };
    answer: Schemas['NewToken'];
    line: never;
  };

  /** Revokes a token, ends everything that was opened with it, and withdraws what was granted with it and nobody has used. */
  'DELETE /api/v1/tokens/{token}': {
    path: { readonly token: string };
    query: Nothing;
    body: Nothing;
    answer: {
      /** The id of the token. */
      readonly revoked: string;
    };
    line: never;
  };

  /** Lists the sessions of which the caller may see records, each with its title, its risk and what was found in it. This is recorded if content is shown or a query asked. */
  'GET /api/v1/sessions': {
    path: Nothing;
    query: {
      readonly all?: string;
      readonly begin?: string;
      readonly query?: string;
      readonly since?: string;
      readonly until?: string;
      readonly newest?: string;
      readonly facts?: string;
      readonly after?: string;
      readonly limit?: number;
    };
    body: Nothing;
    answer: never;
    line: Schemas['SessionOverview'] | Schemas['SessionSummary'];
  };

  /** Returns a session with its title, its risk and what was found in it. This is recorded if content is shown. */
  'GET /api/v1/sessions/{session}': {
    path: { readonly session: string };
    query: { readonly facts?: string };
    body: Nothing;
    answer: Schemas['SessionOverview'];
    line: never;
  };

  /** Returns the records of a session. The reading is recorded. */
  'GET /api/v1/sessions/{session}/records': {
    path: { readonly session: string };
    query: { readonly facts?: string; readonly tables?: string };
    body: Nothing;
    answer: never;
    line: Schemas['ShownRecord'];
  };

  /** Returns one record, by its place in the log. The reading is recorded. */
  'GET /api/v1/records/{log}/{index}': {
    path: { readonly log: string; readonly index: number };
    query: Nothing;
    body: Nothing;
    answer: never;
    line: Schemas['ShownRecord'];
  };

  /** Returns bytes of a record, and of the records that continue it, as they were recorded. The reading is recorded. */
  'GET /api/v1/sessions/{session}/records/{record}/bytes': {
    path: { readonly session: string; readonly record: number };
    query: { readonly bytes: string };
    body: Nothing;
    answer: never;
    line: never;
  };

  /** Returns the records of a session, and then each new record, until the session closes or the reader leaves. The reading is recorded. */
  'GET /api/v1/sessions/{session}/watch': {
    path: { readonly session: string };
    query: { readonly tables?: string };
    body: Nothing;
    answer: never;
    line: Schemas['ShownRecord'];
  };

  /** Returns the bundle that proves a session (docs/formats/bundle.md). The reading is recorded. */
  'GET /api/v1/sessions/{session}/bundle': {
    path: { readonly session: string };
    query: { readonly policies?: string };
    body: Nothing;
    answer: never;
    line: never;
  };

  /** Makes the index of sessions again from the journal, and answers when it is done. */
  'POST /api/v1/index/rebuild': { path: Nothing; query: Nothing; body: {}; answer: { readonly sessions: number; readonly records: number }; line: never };

  /** Ends a session. Who did it and why is recorded. */
  'POST /api/v1/sessions/{session}/halt': {
    path: { readonly session: string };
    query: Nothing;
    body: { readonly reason?: string };
    answer: Schemas['HaltedSession'];
    line: never;
  };

  /** Opens a session for a command, with a token that is valid only inside it. If the caller is a run, the new run is inside it. */
  'POST /api/v1/runs': { path: Nothing; query: Nothing; body: Schemas['RunRequest']; answer: Schemas['OpenedRun']; line: never };

  /** Records a piece of the output that the command of a run prints. The sender may show the piece once this is answered. */
  'POST /api/v1/runs/{session}/output/{stream}': {
    path: { readonly session: string; readonly stream: 'stdout' | 'stderr' };
    query: Nothing;
    body: Nothing;
    answer: { readonly recorded: true };
    line: never;
  };

  /** Ends a run. A caller that may open the run may end it. A second call changes nothing. */
  'POST /api/v1/runs/{session}/end': {
    path: { readonly session: string };
    query: Nothing;
    body: {
      /** The exit code of its command. */
      readonly exitCode?: number;
    };
    answer: {
      readonly ended: string;

      /** False if an operator, or the end of its credential, had ended the run before. */
      readonly wasOpen: boolean;
    };
    line: never;
  };

  /** Lists approvals, oldest first: those that the caller may decide on, and what became of its own. */
  'GET /api/v1/approvals': {
    path: Nothing;
    query: { readonly all?: string };
    body: Nothing;
    answer: readonly (Schemas['ApprovalSummary'] | Schemas['OwnApproval'])[];
    line: never;
  };

  /** Shows an approval: to those who may decide on it with the request and the session so far, to the one who asked its state and what to do next. */
  'GET /api/v1/approvals/{approval}': {
    path: { readonly approval: string };
    query: Nothing;
    body: Nothing;
    answer: Schemas['ApprovalDetails'] | Schemas['OwnApproval'];
    line: never;
  };

  /** Grants an approval for one of its groups. Once all are granted, the request goes on, or may be sent again once. */
  'POST /api/v1/approvals/{approval}/grant': {
    path: { readonly approval: string };
    query: Nothing;
    body: { readonly note?: string };
    answer: Schemas['ApprovalSummary'];
    line: never;
  };

  /** Denies an approval. The one who asked is told the reason. */
  'POST /api/v1/approvals/{approval}/deny': {
    path: { readonly approval: string };
    query: Nothing;
    body: { readonly reason: string };
    answer: Schemas['ApprovalSummary'];
    line: never;
  };

  /** Lets a request of the caller go on without its approval, in an emergency, where policy says so: @breakglass. */
  'POST /api/v1/approvals/{approval}/break': {
    path: { readonly approval: string };
    query: Nothing;
    body: { readonly reason: string };
    answer: Schemas['OwnApproval'];
    line: never;
  };

  /** Exports the records for which a query holds, the oldest first, one JSON object a line. The export is recorded. */
  'GET /api/v1/export': {
    path: Nothing;
    query: {
      readonly query?: string;
      readonly since?: string;
      readonly until?: string;
      readonly form?: 'ocsf' | 'otlp' | 'rows';
      readonly from?: number;
      readonly follow?: string;
      readonly facts?: string;
    };
    body: Nothing;
    answer: never;
    line: {};
  };

  /** Lists alerts, oldest first: those that are not closed. */
  'GET /api/v1/alerts': { path: Nothing; query: { readonly all?: string }; body: Nothing; answer: readonly Schemas['Alert'][]; line: never };

  /** Shows an alert. */
  'GET /api/v1/alerts/{alert}': { path: { readonly alert: string }; query: Nothing; body: Nothing; answer: Schemas['Alert']; line: never };

  /** Acknowledges an alert: somebody has seen it. It is open until it is closed. */
  'POST /api/v1/alerts/{alert}/acknowledge': {
    path: { readonly alert: string };
    query: Nothing;
    body: { readonly note?: string };
    answer: Schemas['Alert'];
    line: never;
  };

  /** Assigns an alert to a principal. */
  'POST /api/v1/alerts/{alert}/assign': {
    path: { readonly alert: string };
    query: Nothing;
    body: {
      /** The id of a principal. */
      readonly to: string;
      readonly note?: string;
    };
    answer: Schemas['Alert'];
    line: never;
  };

  /** Closes an alert. What its rule finds afterwards is a new one. */
  'POST /api/v1/alerts/{alert}/close': {
    path: { readonly alert: string };
    query: Nothing;
    body: { readonly note: string };
    answer: Schemas['Alert'];
    line: never;
  };

  /** Lists what was asked for, oldest first: content of sessions that the caller may read together with a second person. */
  'GET /api/v1/openings': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['Opening'][]; line: never };

  /** Asks for the content of a session that nobody reads alone. A second person grants it. This is recorded. */
  'POST /api/v1/openings': {
    path: Nothing;
    query: Nothing;
    body: { readonly session: string; readonly reason: string };
    answer: Schemas['Opening'];
    line: never;
  };

  /** Opens the content of a session for an hour to the one who asks, as far as the caller may read it: as the second person. This is recorded. */
  'POST /api/v1/openings/{opening}/grant': {
    path: { readonly opening: string };
    query: Nothing;
    body: { readonly note?: string };
    answer: Schemas['Opening'];
    line: never;
  };

  /** Finds records, the newest first. The last line is the summary. The search is recorded. */
  'GET /api/v1/search': {
    path: Nothing;
    query: {
      readonly query?: string;
      readonly since?: string;
      readonly until?: string;
      readonly limit?: number;
      readonly before?: number;
      readonly sessions?: string;
      readonly countBy?: string;
      readonly saved?: string;
      readonly facts?: string;
    };
    body: Nothing;
    answer: never;
    line: Schemas['FoundRecord'] | Schemas['FoundSession'] | Schemas['CountedValue'] | Schemas['SearchSummary'];
  };

  /** Lists the fields by which a query may ask, besides words and the names of attributes. */
  'GET /api/v1/search/fields': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['QueryField'][]; line: never };

  /** Serves the record as an MCP server (Streamable HTTP) with the tools search, list_sessions and show_record. */
  'POST /api/v1/mcp': { path: Nothing; query: Nothing; body: {}; answer: unknown; line: never };

  /** Lists the searches that were saved, by their names. All who may search all records share them; others see their own. */
  'GET /api/v1/saved-searches': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['SavedSearch'][]; line: never };

  /** Saves a query under a name, in place of what the caller saved under it before. This is recorded. */
  'POST /api/v1/saved-searches': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The name of a saved search. */
      readonly name: string;
      readonly query: string;
    };
    answer: Schemas['SavedSearch'];
    line: never;
  };

  /** Deletes a saved search: that of the caller, or else what somebody else saved last, if the caller sees it. This is recorded. */
  'DELETE /api/v1/saved-searches/{name}': { path: { readonly name: string }; query: Nothing; body: Nothing; answer: { readonly deleted: string }; line: never };

  /** Lists the sessions that are to be reviewed and were not, those with the greatest risk first. This is recorded if content is shown. */
  'GET /api/v1/reviews': {
    path: Nothing;
    query: { readonly since?: string; readonly threshold?: number; readonly all?: string; readonly facts?: string };
    body: Nothing;
    answer: readonly Schemas['ReviewedSession'][];
    line: never;
  };

  /** Says how many of the sessions that are to be reviewed were. */
  'GET /api/v1/reviews/coverage': {
    path: Nothing;
    query: { readonly since?: string; readonly threshold?: number };
    body: Nothing;
    answer: Schemas['ReviewCoverage'];
    line: never;
  };

  /** Signs that the caller, a person who may read all of its content, has reviewed a session that has ended and is none of its own. This is recorded. */
  'POST /api/v1/reviews/{session}/sign': {
    path: { readonly session: string };
    query: Nothing;
    body: { readonly note: string };
    answer: { readonly session: string };
    line: never;
  };

  /** Returns the proof that a record is in the log: a C2SP tlog-proof. */
  'GET /api/v1/receipts/{log}/{index}': { path: { readonly log: string; readonly index: number }; query: Nothing; body: Nothing; answer: never; line: never };

  /** Returns a file of the public log: `checkpoint` and `tile/...` as in C2SP tlog-tiles, and `key`. */
  'GET /log/{path}': { path: { readonly path: string }; query: Nothing; body: Nothing; answer: never; line: never };

  /** Returns the metrics of the gateway for Prometheus. */
  'GET /metrics': { path: Nothing; query: Nothing; body: Nothing; answer: never; line: never };
}
