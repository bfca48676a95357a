/** Made by `node tools/openapi.ts`: the API as docs/openapi.json has it. */

/** There is none of it. */
type Nothing = Readonly<Record<string, never>>;

/** The schemas that the document names. */
export interface Schemas {
  /** What somebody may do at a target by the policies in force, whatever the requests are. Suspensions and the limits of runs are besides. */
  readonly AccessLine: {
    /** Null: any of the people whom issuers vouch for, with exactly these groups. */
    readonly principal: string | null;

    /** Null: either. */
    readonly kind: 'human' | 'agent' | null;
    readonly groups: readonly string[];
    readonly target: string;
    readonly protocol: string;

    /** The access to the target as a whole: `denied`, if nobody gets as far as to a request. */
    readonly access: 'allowed' | 'conditional' | 'held' | 'denied';

    /** True: policies are observed at the target, and only grants decide. */
    readonly isObserved: boolean;

    /** The actions of the target. Those of which policies say the same come together, the most of them last. */
    readonly actions: readonly {
      readonly names: readonly string[];

      /** True: these are all actions that no entry before it has. */
      readonly isRest: boolean;

      /** `allowed`: whatever the request is. `conditional`: some may be allowed. `held`: none is allowed without people. `denied`: none is. */
      readonly access: 'allowed' | 'conditional' | 'held' | 'denied';

      /** The verdicts that a request may have. It has no other. */
      readonly verdicts: readonly ('allow' | 'hold' | 'deny')[];
      readonly policies: readonly Schemas['PolicyShare'][];
    }[];
  };

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
    readonly may: readonly ('list' | 'search' | 'facts' | 'content' | 'watch' | 'export' | 'halt' | 'approve' | 'hold' | 'erase' | 'administer')[];

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

  /** A request that carried a value. */
  readonly Carrier: {
    /** `LOG/INDEX` */
    readonly record: string;

    /** Null, as all that follows: the record is not there, or not for the caller. */
    readonly session: string | null;
    readonly seq: number | null;
    readonly time: string | null;
    readonly target: string | null;

    /** The action of the request, also on its answer. */
    readonly action: string | null;

    /** Of a request that was held, what became of it. */
    readonly verdict: string | null;
    readonly policies: readonly string[];
  };

  /** Requests of a principal to a target that would have been decided otherwise in the same way. */
  readonly ChangedVerdict: {
    readonly principal: string;
    readonly target: string;
    readonly action: string;
    readonly was: string;
    readonly would: string;

    /** Those that would determine the verdict. */
    readonly policies: readonly string[];
    readonly reason: string;

    /** How many requests there are so far. A later line of the same group has more. */
    readonly requests: number;

    /** `LOG/INDEX` of the newest of them. */
    readonly record: string;

    /** Its time, ISO 8601 in UTC. */
    readonly time: string;
  };

  /** A request of one of two sessions that are compared. */
  readonly ComparedRequest: {
    /** The number of the request in its session. */
    readonly seq: number;
    readonly channel: number | null;

    /** The beginning of the request, as a person reads it, without what is new in each run: moments, ids and traces have names instead. */
    readonly asked: string;

    /** The beginning of the answer, in the same way. */
    readonly answer: string;
    readonly causes: {
      /** The tool calls that the client named. */
      readonly calls: readonly string[];

      /** The tool calls that were running at that time. */
      readonly likelyCalls: readonly string[];

      /** The number of the request whose span or trace the client named. */
      readonly causedBy: number | null;
    };
  };

  /** A request of one session beside that of another. */
  readonly ComparedRequests: {
    /** `asked`: something else was asked of the target in the same way. `answer`: the same was asked, and answered differently. `cause`: the clients named other calls as the cause. `unknown`: the caller may not read the content of one. `removed`, `added`: only the first session has it, only the second. */
    readonly change: 'same' | 'asked' | 'answer' | 'cause' | 'unknown' | 'removed' | 'added';
    readonly target: string | null;
    readonly action: string | null;
    readonly a: Schemas['ComparedRequest'] | null;
    readonly b: Schemas['ComparedRequest'] | null;

    /** Both requests as one text, in pieces that are in both or in one. Null where they are the same. */
    readonly asked: readonly { readonly in: 'both' | 'a' | 'b'; readonly text: string }[] | null;

    /** Both answers, in the same way. */
    readonly answer: readonly { readonly in: 'both' | 'a' | 'b'; readonly text: string }[] | null;
  };

  /** The configuration in force, as `config check` explains a file. */
  readonly ConfigInForce: {
    readonly file: string;

    /** When it came into force. */
    readonly since: string;

    /** The version of the policies in force, as every decision names it. */
    readonly policyVersion: string;
    readonly software: string;

    /** Why the files as they are now are not in force, with line and column; null if they are. */
    readonly refused: string | null;

    /** The sections of the file that were changed since the start and need a restart. */
    readonly waiting: readonly string[];

    /** Where the gateway listens. */
    readonly listeners: readonly { readonly name: string; readonly address: string }[];

    /** True: the listeners have a certificate. */
    readonly isEncrypted: boolean;
    readonly lines: readonly {
      /** A kind of thing, as `sink`; `NOTE` for what is probably not intended. */
      readonly what: string;
      readonly text: string;
    }[];
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

  /** The effect of an erasure, carried out or only planned. */
  readonly ErasureByQuery: {
    /** The records that the query finds and of which something goes. */
    readonly records: number;

    /** Other records that lose the same, because the same secrets seal them. */
    readonly besides: number;

    /** The records that the query finds and that stay, because they say who did what with the gateway itself. */
    readonly own: number;
    readonly sessions: number;
    readonly secrets: number;

    /** The holds and floors that keep some of it. While there is one, nothing is erased. */
    readonly refused: readonly {
      readonly by: string;
      readonly secrets: number;

      /** Some of them. */
      readonly sessions: readonly string[];
    }[];

    /** False: it was only planned, it waits, or there is nothing to erase. */
    readonly erased: boolean;

    /** In words: each target and class that the query names and that the configuration does not have, as a former or a mistyped one. */
    readonly unknown: readonly string[];

    /** The id under which it waits for a second person. Null: it does not. */
    readonly waits: string | null;
  };

  /** A decision of policies that need not be in force. */
  readonly ExplainedDecision: {
    readonly verdict: 'allow' | 'deny' | 'hold';
    readonly reason: string;

    /** Those that determined the verdict. */
    readonly policies: readonly {
      readonly id: string;

      /** Null for a grant of the configuration. */
      readonly text: string | null;
    }[];

    /** Why the principal may not even connect to the target, so that no such request comes that far; null if it may. */
    readonly unreached: string | null;
  };

  /** What the record and the configuration show for the requirements of a regulation. It judges nothing. */
  readonly FilledReport: {
    readonly name: string;
    readonly title: string;
    readonly about: string;

    /** When it was made. */
    readonly time: string;
    readonly since: string | null;
    readonly until: string | null;

    /** How many records are not in the index yet, so that they are not counted. Null: some, but how many is not for who sees only a part. */
    readonly behind: number | null;

    /** True: whoever made it sees only a part of the records, and it says nothing of the others. */
    readonly isPartial: boolean;

    /** The signed checkpoint of the log under which the records are. */
    readonly checkpoint: string;
    readonly requirements: readonly {
      /** Where it is in the text of the regulation. */
      readonly clause: string;

      /** What it asks for, in short. */
      readonly asks: string;
      readonly evidence: readonly {
        readonly shows: string;

        /** The records, in the language of searches. */
        readonly query: string;

        /** How many there are. */
        readonly count: number;

        /** What it may mean that there is none; null: there is some. */
        readonly absent: string | null;

        /** The newest, at most 3. Each was opened and compared with its leaf. */
        readonly records: readonly {
          /** `LOG/INDEX`. */
          readonly record: string;
          readonly time: string;
          readonly principal: string | null;
          readonly target: string | null;
          readonly kind: string;
          readonly action: string | null;
          readonly verdict: string | null;
        }[];

        /** How many of the newest are not shown, because they are not what the log commits to. */
        readonly unproven: number;
      }[];

      /** What the configuration in force says to it. */
      readonly says: readonly string[];

      /** What the configuration in force lacks, and why that matters. */
      readonly lacks: readonly string[];

      /** What it asks for besides, that no record of a gateway shows. */
      readonly beyond: string | null;
    }[];

    /** The proof of each record that is named, as /api/v1/receipts gives it, without the checkpoint at its end. */
    readonly receipts: Readonly<Record<string, string>>;
  };

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

    /** How its targets were used over its time. Only for who asks for `activity`. */
    readonly activity?: readonly Schemas['TargetActivity'][];

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
    readonly may: readonly ('list' | 'search' | 'facts' | 'content' | 'watch' | 'export' | 'halt' | 'approve' | 'hold' | 'erase' | 'administer')[];

    /** True: only records that the caller made, or that were made on its behalf. */
    readonly own: boolean;

    /** Conditions, as queries, that all hold for the records of the role. Empty: none. */
    readonly query: readonly string[];

    /** When the role ends. Null: never. */
    readonly expires: string | null;
  };

  /** What is kept for a matter, whatever the rules of retention say. */
  readonly Hold: {
    readonly matter: string;
    readonly query: string;
    readonly reason: string;

    /** Who set it. Another person releases it. */
    readonly by: string;
    readonly onBehalfOf: string | null;
    readonly since: string;

    /** The number of its class of keeping, as the log names it. */
    readonly class: number;

    /** The sessions with records that it keeps. A session of several days counts for each of them. Null, as the next: they are for who sets holds. */
    readonly sessions: number | null;

    /** The records that matched. */
    readonly records: number | null;

    /** The time of the oldest of them. */
    readonly oldest: string | null;

    /** The number of records, from the beginning of the log, that were looked at for it. */
    readonly covered: number | null;

    /** Who has released it. Null: it is in force. Otherwise its key is being destroyed. */
    readonly releasedBy: string | null;

    /** In words: each target and class that the query names and that the configuration does not have, as a former or a mistyped one. */
    readonly unknown: readonly string[];
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

  /** A class of keeping, and how much is kept under it. */
  readonly KeepingClass: {
    /** The number that leaves name. */
    readonly class: number;

    /** The query of the rule; null: the default, or a class that is not in force. */
    readonly query: string | null;

    /** False: nothing more is recorded under it by a rule. It is that of a rule of before, or of a hold. */
    readonly inForce: boolean;

    /** `later`: whether the rule holds is known only once something is recorded, so it lengthens before a key is destroyed. Null: it is not in force. */
    readonly known: 'when recorded' | 'later' | null;

    /** For how long it keeps; null: it is not in force. */
    readonly keeps: {
      /** For how many days contents are kept; null: for ever. */
      readonly content: number | null;

      /** For how many days facts are kept; null: for ever. */
      readonly facts: number | null;

      /** For so many days nothing is erased before its time; null: there is no such time. */
      readonly floor: number | null;
    } | null;
    readonly kept: {
      /** How many secrets of facts. A session has one for each class and day on which it recorded. */
      readonly facts: number;

      /** How many secrets of contents. */
      readonly contents: number;

      /** The last day of what goes first; null: there is nothing, or it never goes. */
      readonly firstDay: string | null;

      /** The last day of what goes last. */
      readonly lastDay: string | null;

      /** True: some of it never goes by itself. */
      readonly isForEver: boolean;
    };
  };

  /** Which keys there are. No key is shown but the public ones. */
  readonly Keys: {
    /** The root secret, which opens all other keys. */
    readonly root: {
      /** How many root secrets there were, this one included. */
      readonly number: number;

      /** What wraps it: the kind, and its name of the key. */
      readonly provider: string;

      /** Since when this provider has wrapped this root secret. Null: since the store was made. */
      readonly since: string | null;
    };

    /** The root secrets that are encrypted for others. */
    readonly escrow: {
      /** The recipients of age that the configuration names. */
      readonly recipients: readonly string[];

      /** The root secrets that are in escrow/ of the data directory, the newest first. */
      readonly files: readonly {
        /** The number of the root secret. */
        readonly root: number;
        readonly written: string;
      }[];
    };

    /** The keys that have signed the log, the one in force last. */
    readonly signing: readonly {
      /** The verifier key. It is public. */
      readonly vkey: string;

      /** The size of the log from which it signs, until the next takes over. */
      readonly from: number;
    }[];

    /** The keys that wrap the secrets of sessions, by class of keeping. */
    readonly classKeys: readonly {
      /** The class of keeping. */
      readonly class: number;

      /** How many keys there are: one for each day until which something is kept. */
      readonly keys: number;

      /** The day until which the first is kept; null: for ever. */
      readonly firstDay: string | null;

      /** The day until which the last is kept; null: for ever. */
      readonly lastDay: string | null;
    }[];
  };

  readonly ListedReport: {
    readonly name: string;
    readonly title: string;
    readonly about: string;

    /** How many requirements it has. */
    readonly requirements: number;
  };

  /** A backup that was made. It is not verified yet. */
  readonly MadeBackup: {
    readonly directory: string;
    readonly gateway: string;
    readonly made: string;

    /** The number of records in it. */
    readonly size: number;
    readonly files: number;
    readonly bytes: number;

    /** The bytes that were copied now; the others were there from an earlier backup. */
    readonly copiedBytes: number;

    /** True if keys and tokens are encrypted in it. */
    readonly isEncrypted: boolean;

    /** What is not in it and is needed to use it, one sentence each. */
    readonly lacks: readonly string[];
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

    /** Files that the command may read, by name. Whoever starts it writes them into a directory of its own; one that begins with #! can be executed. @COUNTERSIGN_FILES@ stands for the directory, in them and in the environment. */
    readonly files: Readonly<Record<string, string>>;
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

  /** A file of policies as it is in the directory. */
  readonly PolicyFile: {
    readonly file: string;
    readonly text: string;

    /** The SHA-256 digest of its text, hexadecimal. Who saves the file says it. */
    readonly sha256: string;
  };

  /** Something that is wrong, or odd, with a policy. */
  readonly PolicyProblem: {
    readonly file: string;

    /** From 1; null: it is about the whole file. */
    readonly line: number | null;

    /** From 1, in characters. */
    readonly column: number | null;
    readonly message: string;
  };

  /** A policy that has a say in what somebody may do at a target, or a grant. */
  readonly PolicyShare: {
    /** The id of the policy or the grant, as decisions name it. */
    readonly policy: string;
    readonly effect: 'permit' | 'forbid';

    /** `sometimes`: to requests that are as `when` says, and perhaps to none. */
    readonly applies: 'always' | 'sometimes';

    /** What must hold of a request, in Cedar. Null: nothing, or it cannot be said. */
    readonly when: string | null;

    /** The groups of which people approve what it forbids. Empty: nobody does. */
    readonly approval: readonly string[];

    /** True: a limit counts what it applies to, and denies more. */
    readonly isLimiting: boolean;

    /** True: it may fail on a request, which is then denied. */
    readonly mayFail: boolean;
  };

  /** A version of the policies that was put into force. */
  readonly PolicyVersion: {
    readonly version: string;

    /** When it came into force. */
    readonly time: string;

    /** `LOG/INDEX` of its record, which has the text. */
    readonly record: string;

    /** `saved` over the API; `applied` by a command; `files`: they were changed in the directory, or before a start. */
    readonly how: 'saved' | 'applied' | 'files';

    /** Who did it; null if nobody is known who did. */
    readonly by: string | null;

    /** The file that was saved. */
    readonly file: string | null;

    /** The number of policies, and those that were removed, added and changed; null if only grants were. */
    readonly changes: string | null;
  };

  /** A word of which policies may speak. */
  readonly PolicyWord: {
    readonly kind: 'annotation' | 'action' | 'context' | 'principal' | 'resource' | 'entity';

    /** As it stands in a policy: `context.effects`, `Target::"orders"`. */
    readonly text: string;
    readonly meaning: string;
  };

  /** A human or agent that may use the gateway. */
  readonly Principal: {
    readonly id: string;

    /** Null: it is of an issuer, and has shown no token since the start. */
    readonly kind: 'human' | 'agent' | null;
    readonly groups: readonly string[];

    /** The names of the targets that the principal may use. */
    readonly targets: readonly string[];

    /** The names of the roles that the principal has now. */
    readonly roles: readonly string[];

    /** How many of its sessions are open. */
    readonly openSessions: number;

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
      | 'storage_unavailable'
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

    /** A command for within `countersign run`, which writes the files that it needs; null if a token is enough. */
    readonly inRun: string | null;
  };

  /** What a target counts itself, compared with what is recorded. */
  readonly Reconciliation: {
    readonly target: string;

    /** `not counted`: how targets of this protocol count is not known. `base line`: there was no reading before. `not comparable`: the target forgot some of its counts, so this is a new base line. */
    readonly state: 'not counted' | 'base line' | 'not comparable' | 'agrees' | 'differs';

    /** When the reading before was made. Null: there was none. */
    readonly since: string | null;

    /** Null: nothing was compared. */
    readonly comparison: {
      /** How many acts the target counted since then. */
      readonly counted: number;
      readonly recorded: number;
      readonly maybe: number;

      /** How many recorded acts there are of which it is not known under which name the target counts them. */
      readonly unnamed: number;
      readonly differences: readonly {
        /** What the count is of, as the target says. Empty: the target does not count it. */
        readonly text: string;

        /** How often the target says that it was done since the reading before. */
        readonly counted: number;

        /** How often it was recorded. */
        readonly recorded: number;

        /** How often more it may have been done: it failed, or had no answer yet. */
        readonly maybe: number;
      }[];

      /** How many further differences there are. */
      readonly more: number;
    } | null;
  };

  /** Where the values of a record came from and went, and what it was made for. */
  readonly RecordTrace: {
    /** The record that was asked about, without content. */
    readonly record: Schemas['ShownRecord'];

    /** A request brings what it carries and what came in its answer, an answer what came in it. Null: the record belongs to no request. */
    readonly side: 'request' | 'answer' | null;
    readonly values: readonly Schemas['TracedValue'][];

    /** The request for which that of the record was made. */
    readonly causedBy: Schemas['Tie'] | null;

    /** The requests that were made for it. */
    readonly caused: readonly Schemas['Tie'][];
    readonly causedLeftOut: number;

    /** True: more values were found in the request than its record names one by one. */
    readonly isCut: boolean;

    /** The number of the record of its session from which on further values are not followed. */
    readonly forgetsFrom: number | null;

    /** The sessions that were read for it. */
    readonly sessions: readonly string[];

    /** False: the activity has more sessions than are read. */
    readonly isWholeActivity: boolean;
  };

  /** What a run of retention on a day would destroy, and what other settings would change. */
  readonly RetentionPlan: {
    /** The day of the run, in UTC. */
    readonly at: string;

    /** The classes and days whose keys the run would destroy, by what is known now. */
    readonly erases: readonly {
      readonly class: number;

      /** The query of its rule; null: the default, or a class that is not in force. */
      readonly query: string | null;

      /** The last day for which it was to be kept. */
      readonly day: string;

      /** How many secrets of facts. A session has one for each class and day on which it recorded. */
      readonly facts: number;

      /** How many secrets of contents. */
      readonly contents: number;

      /** Those that stay all the same, because they are kept under another class or day too. */
      readonly stays: readonly {
        readonly class: number;

        /** Null: it has no last day, as that of a hold. */
        readonly day: string | null;

        /** How many secrets of facts. A session has one for each class and day on which it recorded. */
        readonly facts: number;

        /** How many secrets of contents. */
        readonly contents: number;
      }[];
    }[];

    /** The rules that are asked before, because they can be answered only by what is recorded. What they hold for is kept longer. */
    readonly asked: readonly string[];

    /** How `settings` differ from those in force; null: none were sent. */
    readonly changes:
      | readonly {
          /** Null: the default. */
          readonly query: string | null;

          /** As it is in force; null: there is no such rule. */
          readonly before: {
            /** For how many days contents are kept; null: for ever. */
            readonly content: number | null;

            /** For how many days facts are kept; null: for ever. */
            readonly facts: number | null;

            /** For so many days nothing is erased before its time; null: there is no such time. */
            readonly floor: number | null;
          } | null;

          /** As it would be; null: there would be no such rule. */
          readonly after: {
            /** For how many days contents are kept; null: for ever. */
            readonly content: number | null;

            /** For how many days facts are kept; null: for ever. */
            readonly facts: number | null;

            /** For so many days nothing is erased before its time; null: there is no such time. */
            readonly floor: number | null;
          } | null;
          readonly known: 'when recorded' | 'later';

          /** How many days are recorded already under the class, and keep the day that they have. */
          readonly sealedDays: number;
        }[]
      | null;
  };

  /** What has expired and was deleted. */
  readonly RetentionRun: {
    /** The day in UTC by the clock of the gateway. What was kept until an earlier day has expired. */
    readonly today: string;

    /** The keys that were destroyed. Nothing that was sealed under one of them can be read by anybody. */
    readonly destroyed: readonly {
      /** The class of keeping. */
      readonly class: number;

      /** The last day for which it was kept. */
      readonly day: string;
    }[];
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

    /** How its targets were used over its time. Only for who asks for `activity`. */
    readonly activity?: readonly Schemas['TargetActivity'][];

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

  /** A root secret that took the place of the one before. */
  readonly RotatedRootKey: {
    /** The number of the root secret that is in force now. */
    readonly root: number;

    /** What wraps it. */
    readonly provider: string;

    /** How many class keys were wrapped anew. */
    readonly classKeys: number;
  };

  /** A signing key that took the place of the one before. */
  readonly RotatedSigningKey: {
    /** The verifier key of the log that is in force now, as log/key has it. */
    readonly vkey: string;

    /** The size of the log from which it signs. */
    readonly from: number;

    /** How many signing keys the log has had, this one included. */
    readonly keys: number;
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

    /** How its targets were used over its time. Only for who asks for `activity`. */
    readonly activity?: readonly Schemas['TargetActivity'][];

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

  readonly Storage: {
    /** The bucket, and what the names in it begin with. */
    readonly bucket: string;

    /** The bucket has the segments of the journal up to this one. */
    readonly kept: number;

    /** The segments up to this one are only in the bucket. */
    readonly dropped: number;

    /** How many complete segments are not in the bucket yet. */
    readonly behindSegments: number;

    /** How many bytes they have. */
    readonly behindBytes: number;

    /** Since when the bucket has been behind. Null: it is not. */
    readonly behindSince: string | null;

    /** Why the last attempt failed. Null: it did not. */
    readonly failure: string | null;
  };

  /** How a target was used over the time of a session. */
  readonly TargetActivity: {
    readonly target: string;

    /** How many records each part of the time has: there are 32 parts. */
    readonly records: readonly number[];

    /** What matters most in each part of the time, a character each: `.` no record, `a` allowed, `h` held, `d` denied or an alert. */
    readonly verdicts: string;
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

    /** What policies may ask of the target. */
    readonly tags: Readonly<Record<string, string>>;

    /** The data classes whose values are looked for in requests and answers. */
    readonly inspect: readonly string[];

    /** `observe`: policies of files are decided and recorded, and not enforced. */
    readonly mode: 'enforce' | 'observe';
  };

  /** A request that was made for another one, or that other one. */
  readonly Tie: {
    /** `LOG/INDEX` */
    readonly record: string;

    /** Null, as all that follows: the record is not there, or not for the caller. */
    readonly session: string | null;
    readonly seq: number | null;
    readonly time: string | null;
    readonly target: string | null;

    /** The action of the request, also on its answer. */
    readonly action: string | null;

    /** Of a request that was held, what became of it. */
    readonly verdict: string | null;
    readonly policies: readonly string[];

    /** The id that the model gave to the tool call; null if no call is named. */
    readonly call: string | null;

    /** False: nobody named the call; it was running, and nothing contradicts it. */
    readonly isCertain: boolean;
  };

  /** Which checkpoint of the log an authority of timestamps has stamped. */
  readonly TimestampStatus: {
    /** Where the authority of timestamps is asked. Null: none is configured. */
    readonly authority: string | null;

    /** The newest checkpoint that was stamped, and when, by the clock of the gateway. Null: there is none. */
    readonly stamped: { readonly records: number; readonly time: string } | null;

    /** How many records the newest published checkpoint has. */
    readonly records: number;

    /** Why there was no timestamp when the authority was asked last. Null: there was one, or nobody was asked yet. */
    readonly failure: string | null;
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

  /** Where a value came first, and the requests that carried it since. */
  readonly TracedValue: {
    readonly class: string;

    /** A keyed digest of the value, by which two values are told apart. */
    readonly print: string;

    /** Where the value came from, as `shop/crm.customers.email`. */
    readonly source: string;

    /** The record in which the value came first. */
    readonly from: {
      /** `LOG/INDEX` */
      readonly record: string;

      /** Null, as all that follows: the record is not there, or not for the caller. */
      readonly session: string | null;
      readonly seq: number | null;
      readonly time: string | null;
      readonly target: string | null;

      /** The action of the request, also on its answer. */
      readonly action: string | null;
    };
    readonly carriedBy: readonly Schemas['Carrier'][];

    /** How many further requests carried it. */
    readonly carriersLeftOut: number;
  };

  /** How far a trial of policies is. */
  readonly TrialProgress: {
    readonly sessions: number;
    readonly requests: number;
    readonly changed: number;

    /** Requests that cannot be decided again, by the reason, with the last of them. */
    readonly undecided: readonly { readonly why: string; readonly requests: number; readonly record: string }[];

    /** False: the trial goes on. */
    readonly isWhole: boolean;
  };

  /** An erasure that a second person has to confirm, or has confirmed. */
  readonly WaitingErasure: {
    readonly erasure: string;
    readonly query: string;

    /** True: the facts too. False: contents alone. */
    readonly facts: boolean;
    readonly reason: string;

    /** Who asks. Another person confirms it. */
    readonly by: string;
    readonly onBehalfOf: string | null;

    /** Until then it can be confirmed. */
    readonly ends: string;

    /** Who has confirmed it: it is on record, and is being carried out. Null: it waits. */
    readonly confirmedBy: string | null;
  };

  /** What the witnesses have cosigned of the log. */
  readonly WitnessStatus: {
    /** The witness or group of the policy whose cosignatures are needed. Null: none are, or no witnesses are configured. */
    readonly quorum: string | null;

    /** The newest checkpoint that the quorum has cosigned since the start, and when that was. Null: there was none. */
    readonly cosigned: { readonly records: number; readonly time: string } | null;

    /** How many records the newest published checkpoint has. */
    readonly records: number;
    readonly witnesses: readonly {
      /** Its name in the policy. */
      readonly witness: string;
      readonly url: string;

      /** `ahead`: it has cosigned more records of this log than there are. `forked`: it has cosigned another history of it. */
      readonly state: 'asked' | 'cosigning' | 'failing' | 'ahead' | 'forked';

      /** Since when it is in this state. */
      readonly since: string;

      /** Why it does not cosign. Empty if it does. */
      readonly why: string;

      /** How many records it has cosigned last, as it says. */
      readonly records: number | null;

      /** The time of its newest cosignature, by its clock. */
      readonly cosigned: string | null;
    }[];
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

      /** Says that the store was restored from a backup just before this start. */
      readonly restored?: string;

      /** The number of sinks that do not take notices now. Requests are served nevertheless. */
      readonly notices?: string;

      /** Says that the bucket does not take what is recorded now, which waits on the disk. */
      readonly storage?: string;

      /** Says that the authority of timestamps gives none now. */
      readonly timestamps?: string;

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

  /** Explains the configuration in force, with what is not written in it. Secrets and what may be one are left out. */
  'GET /api/v1/config': { path: Nothing; query: Nothing; body: Nothing; answer: Schemas['ConfigInForce']; line: never };

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

  /** Lists the classes of keeping: for how long what is recorded is kept by each, and how much is. */
  'GET /api/v1/retention': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['KeepingClass'][]; line: never };

  /** Says what a run of retention on a day would destroy, and what other settings would change. Nothing is destroyed or changed. */
  'POST /api/v1/retention/plan': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The day of the run, in UTC; absent: today. */
      readonly at?: string;

      /** Settings to compare with those in force. */
      readonly settings?: {
        readonly default: {
          /** For how many days contents are kept; null: for ever. */
          readonly content: number | null;

          /** For how many days facts are kept; null: for ever. */
          readonly facts: number | null;

          /** For so many days nothing is erased before its time; null: there is no such time. */
          readonly floor: number | null;
        };
        readonly rules: readonly {
          readonly query: string;

          /** For how many days contents are kept; null: for ever. */
          readonly content: number | null;

          /** For how many days facts are kept; null: for ever. */
          readonly facts: number | null;

          /** For so many days nothing is erased before its time; null: there is no such time. */
          readonly floor: number | null;
        }[];
        readonly eraseByTwo?: true;
      };
    };
    answer: Schemas['RetentionPlan'];
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

  /** Says who may do what at a target by the policies in force, and which of them have a say. */
  'GET /api/v1/targets/{target}/access': { path: { readonly target: string }; query: Nothing; body: Nothing; answer: never; line: Schemas['AccessLine'] };

  /** Compares what a target counts itself with what is recorded, since the last time. What came of it is recorded. */
  'POST /api/v1/targets/{target}/reconcile': {
    path: { readonly target: string };
    query: Nothing;
    body: Nothing;
    answer: Schemas['Reconciliation'];
    line: never;
  };

  /** Says which checkpoint of the log the authority of timestamps has stamped, and why it does not where it does not. */
  'GET /api/v1/timestamps': { path: Nothing; query: Nothing; body: Nothing; answer: Schemas['TimestampStatus']; line: never };

  /** Says what the witnesses have cosigned of the log, and which of them do not. */
  'GET /api/v1/witnesses': { path: Nothing; query: Nothing; body: Nothing; answer: Schemas['WitnessStatus']; line: never };

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

  /** Says what a principal may do at each target by the policies in force, and which of them have a say. */
  'GET /api/v1/principals/{principal}/access': {
    path: { readonly principal: string };
    query: { readonly groups?: string };
    body: Nothing;
    answer: never;
    line: Schemas['AccessLine'];
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

  /** Lists the versions of the policies, the newest first, with who put each into force. */
  'GET /api/v1/policy/versions': { path: Nothing; query: { readonly limit?: number }; body: Nothing; answer: readonly Schemas['PolicyVersion'][]; line: never };

  /** Returns the record of a version of the policies, with their text. */
  'GET /api/v1/policy/versions/{version}': { path: { readonly version: string }; query: Nothing; body: Nothing; answer: never; line: Schemas['ShownRecord'] };

  /** Returns the files of policies as they are in the directory that the configuration names. */
  'GET /api/v1/policy/files': {
    path: Nothing;
    query: Nothing;
    body: Nothing;
    answer: {
      /** The directory, or the one file; null: the configuration names none. */
      readonly place: string | null;

      /** Why no file can be saved over the API; null if files can be. */
      readonly savingFault: string | null;

      /** The version of the policies in force. */
      readonly version: string;

      /** Why the files as they are now are not in force; null if they are. */
      readonly refused: string | null;
      readonly files: readonly Schemas['PolicyFile'][];
    };
    line: never;
  };

  /** Saves a file of policies, if `policy check` finds no fault in all of them, and puts it into force. Who did it is recorded. */
  'PUT /api/v1/policy/files/{file}': {
    path: { readonly file: string };
    query: Nothing;
    body: {
      readonly text: string;

      /** The digest that the file had when it was read; null: it is new. If it has another one now, nothing is saved. */
      readonly sha256: string | null;

      /** True: it is saved also with policies that can never do what they are written for. */
      readonly force?: boolean;
    };
    answer: {
      /** The digest of the file as it is now. */
      readonly sha256: string;

      /** The version of the policies that is now in force. */
      readonly version: string;

      /** The number of policies, and those that were removed, added and changed; null if they are the same. */
      readonly changes: string | null;

      /** The number of approvals that were withdrawn because of the change. */
      readonly withdrawn: number;
    };
    line: never;
  };

  /** Lists the words of which policies may speak here: annotations, actions, facts, and the names of the configuration. */
  'GET /api/v1/policy/words': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['PolicyWord'][]; line: never };

  /** Says what is wrong, or odd, with policies as they would be with other files. Nothing is put into force. */
  'POST /api/v1/policy/check': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The files that count in place of those of the directory, or beside them. All others count as they are. */
      readonly files?: readonly { readonly file: string; readonly text: string }[];
    };
    answer: {
      readonly files: number;
      readonly policies: number;

      /** Faults for which they would not be put into force. */
      readonly problems: readonly Schemas['PolicyProblem'][];

      /** Policies that do no harm and can never do what they are written for. */
      readonly conflicts: readonly Schemas['PolicyProblem'][];

      /** What is odd and may be meant. */
      readonly warnings: readonly Schemas['PolicyProblem'][];
    };
    line: never;
  };

  /** Decides cases by policies as they would be with other files, and compares each verdict with the expected one. */
  'POST /api/v1/policy/test': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The files that count in place of those of the directory, or beside them. All others count as they are. */
      readonly files?: readonly { readonly file: string; readonly text: string }[];

      /** Cases in YAML, as `countersign policy test` takes them. */
      readonly cases: string;
    };
    answer: readonly {
      readonly name: string;

      /** Null: the case speaks of what does not exist. */
      readonly decision: Schemas['ExplainedDecision'] | null;

      /** The difference from what the case expects; null if it is as expected. */
      readonly difference: string | null;
    }[];
    line: never;
  };

  /** Decides one request by policies as they would be with other files, and names those that determine the verdict, with their texts. Nothing is done. */
  'POST /api/v1/policy/explain': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The files that count in place of those of the directory, or beside them. All others count as they are. */
      readonly files?: readonly { readonly file: string; readonly text: string }[];

      /** A case as `countersign policy test` takes it: `principal`, `target`, `action`, `text` and others. */
      readonly request: Readonly<
        Record<string, string | number | boolean | readonly string[] | Readonly<Record<string, string | number | boolean | readonly string[]>>>
      >;
    };
    answer: Schemas['ExplainedDecision'];
    line: never;
  };

  /** Says which recorded requests would have been decided otherwise by policies as they would be with other files. This is recorded as a reading. */
  'POST /api/v1/policy/try': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The files that count in place of those of the directory, or beside them. All others count as they are. */
      readonly files?: readonly { readonly file: string; readonly text: string }[];

      /** Only sessions that were opened in the last so many days. */
      readonly days?: number;
    };
    answer: never;
    line: { readonly changed: Schemas['ChangedVerdict'] } | { readonly progress: Schemas['TrialProgress'] };
  };

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
      readonly activity?: string;
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

  /** Puts the requests of two sessions beside each other, with what differs in them and in their answers. The reading of both is recorded. */
  'GET /api/v1/sessions/{session}/diff/{other}': {
    path: { readonly session: string; readonly other: string };
    query: Nothing;
    body: Nothing;
    answer: never;
    line: Schemas['ComparedRequests'];
  };

  /** Returns one record, by its place in the log. The reading is recorded. */
  'GET /api/v1/records/{log}/{index}': {
    path: { readonly log: string; readonly index: number };
    query: Nothing;
    body: Nothing;
    answer: never;
    line: Schemas['ShownRecord'];
  };

  /** Follows the values of a record both ways, and what it was made for and what was made for it. The reading of each session is recorded. */
  'GET /api/v1/records/{log}/{index}/trace': {
    path: { readonly log: string; readonly index: number };
    query: Nothing;
    body: Nothing;
    answer: never;
    line: Schemas['RecordTrace'];
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
    query: { readonly policies?: string; readonly stamped?: string };
    body: Nothing;
    answer: never;
    line: never;
  };

  /** Exports the evidence of the sessions with a record for which a query holds: the lines of docs/formats/evidence.md. The export, and each session in it, is recorded. */
  'GET /api/v1/evidence': {
    path: Nothing;
    query: {
      readonly query?: string;
      readonly since?: string;
      readonly until?: string;
      readonly withhold?: string;
      readonly for?: string;
      readonly facts?: string;
      readonly stamped?: string;
    };
    body: Nothing;
    answer: never;
    line: {};
  };

  /** Lists the regulations for which there is a report. */
  'GET /api/v1/reports': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['ListedReport'][]; line: never };

  /** Says for each requirement of a regulation which records show something for it, with their proofs, and what is missing and why. It is recorded. */
  'GET /api/v1/reports/{name}': {
    path: { readonly name: string };
    query: { readonly since?: string; readonly until?: string };
    body: Nothing;
    answer: Schemas['FilledReport'];
    line: never;
  };

  /** Returns the page in which evidence is exported, without any: its line `<!-- evidence -->` is the place (docs/formats/evidence.md). */
  'GET /api/v1/evidence/page': { path: Nothing; query: Nothing; body: Nothing; answer: never; line: never };

  /** Makes the index of sessions again from the journal, and answers when it is done. */
  'POST /api/v1/index/rebuild': { path: Nothing; query: Nothing; body: {}; answer: { readonly sessions: number; readonly records: number }; line: never };

  /** Copies the store to a directory of the machine of the gateway, and answers when it is done. */
  'POST /api/v1/backup': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The directory: a new one, or one with an earlier backup, which is continued. */
      readonly out: string;

      /** The recipients of age for whom keys and tokens are encrypted. */
      readonly recipients?: readonly string[];
    };
    answer: Schemas['MadeBackup'];
    line: never;
  };

  /** Deletes what has expired, as the gateway does once a day by itself. */
  'POST /api/v1/retention/run': {
    path: Nothing;
    query: Nothing;
    body: {
      /** What day it is in UTC, if the clock alone is not believed. */
      readonly today?: string | null;
    };
    answer: Schemas['RetentionRun'];
    line: never;
  };

  /** Lists the keys of the gateway: what wraps the root secret and since when, which keys have signed the log, and how many class keys there are. No key is shown but the public ones. */
  'GET /api/v1/keys': { path: Nothing; query: Nothing; body: Nothing; answer: Schemas['Keys']; line: never };

  /** Makes a new root secret and wraps all keys by it. Nothing that was recorded is sealed anew. */
  'POST /api/v1/keys/rotate-root': {
    path: Nothing;
    query: Nothing;
    body: {
      /** Why. It is recorded. */
      readonly reason: string;
    };
    answer: Schemas['RotatedRootKey'];
    line: never;
  };

  /** Makes a new signing key, with which the log is signed from now on. What the key before has signed still holds. */
  'POST /api/v1/keys/rotate-signing': {
    path: Nothing;
    query: Nothing;
    body: {
      /** Why. It is recorded. */
      readonly reason: string;
    };
    answer: Schemas['RotatedSigningKey'];
    line: never;
  };

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

  /** Denies an approval, or takes back one that is granted and was not used. The one who asked is told the reason. */
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
      readonly form?: 'ocsf' | 'otlp' | 'rows' | 'ocsf-attested';
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

  /** Lists the holds that are in force, the oldest first. */
  'GET /api/v1/holds': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['Hold'][]; line: never };

  /** Sets a hold: what a query finds now, and what it will find, is kept until another person releases the hold. This is recorded. */
  'POST /api/v1/holds': {
    path: Nothing;
    query: Nothing;
    body: {
      /** The name of the matter. */
      readonly matter: string;
      readonly query: string;
      readonly reason: string;
    };
    answer: Schemas['Hold'];
    line: never;
  };

  /** Says what the hold for a matter keeps, who set it, and why. */
  'GET /api/v1/holds/{matter}': { path: { readonly matter: string }; query: Nothing; body: Nothing; answer: Schemas['Hold']; line: never };

  /** Releases a hold, as another person than the one who set it: what nothing else keeps any more is gone for good. This is recorded. */
  'POST /api/v1/holds/{matter}/release': {
    path: { readonly matter: string };
    query: Nothing;
    body: { readonly reason: string };
    answer: { readonly matter: string; readonly released: true };
    line: never;
  };

  /** Lists the erasures that wait for a second person, and those that one has confirmed and that are being carried out, the oldest first. */
  'GET /api/v1/erasures': { path: Nothing; query: Nothing; body: Nothing; answer: readonly Schemas['WaitingErasure'][]; line: never };

  /** Erases for good the contents of what a query finds, and with `facts` the facts too; with `plan` only says what that would do. This is recorded. */
  'POST /api/v1/erasures': {
    path: Nothing;
    query: Nothing;
    body: { readonly query: string; readonly reason: string; readonly facts?: boolean; readonly plan?: boolean };
    answer: Schemas['ErasureByQuery'];
    line: never;
  };

  /** Carries out an erasure that another person asked for. This is recorded. */
  'POST /api/v1/erasures/{erasure}/confirm': { path: { readonly erasure: string }; query: Nothing; body: {}; answer: Schemas['ErasureByQuery']; line: never };

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

  /** Says how far the bucket has what is recorded; null: there is none, or nobody has looked since the start. */
  'GET /api/v1/storage': { path: Nothing; query: Nothing; body: Nothing; answer: Schemas['Storage'] | null; line: never };

  /** Signs that the caller, a person who may read all of its content, has reviewed a session that has ended and is none of its own. This is recorded. */
  'POST /api/v1/reviews/{session}/sign': {
    path: { readonly session: string };
    query: Nothing;
    body: { readonly note: string };
    answer: { readonly session: string };
    line: never;
  };

  /** Returns the proof that a record is in the log. */
  'GET /api/v1/receipts/{log}/{index}': {
    path: { readonly log: string; readonly index: number };
    query: { readonly form?: 'tlog' | 'cose' | 'scitt'; readonly stamped?: string };
    body: Nothing;
    answer: never;
    line: never;
  };

  /** Returns the public key of the log, with which everybody who reads a record can check its receipt. */
  'GET /log/key': { path: Nothing; query: Nothing; body: Nothing; answer: never; line: never };

  /** Returns the keyring of the log, if its key was rotated: whoever has one of its keys finds the others in it, and from which size each signs. */
  'GET /log/keys': { path: Nothing; query: Nothing; body: Nothing; answer: never; line: never };

  /** Returns a file of the public log: `checkpoint` and `tile/...` as in C2SP tlog-tiles. */
  'GET /log/{path}': { path: { readonly path: string }; query: Nothing; body: Nothing; answer: never; line: never };

  /** Returns the metrics of the gateway for Prometheus. */
  'GET /metrics': { path: Nothing; query: Nothing; body: Nothing; answer: never; line: never };
}
