import type { Action } from '../domain/action.ts';
import type { Decision, Obligation } from '../domain/decision.ts';
import type { PolicySource } from '../domain/policy-source.ts';
import type { Principal } from '../domain/principal.ts';
import type { Act } from '../domain/recording-acts.ts';
import type { RecordingRules } from '../domain/recording-rules.ts';
import type { Target } from '../domain/target.ts';
import type { AccessQuestion, ActionAccess } from './possible-access.ts';

/** The one who asks. It is the same object for all questions of one channel, until the configuration changes. */
export interface Asker {
  /** The principal with its groups, as they are in the present configuration. */
  readonly principal: Principal;
  /** Another principal for whom it acts; null if it acts for itself. */
  readonly onBehalfOf: string | null;
  /** The session of the run whose token was shown; null if the token is not that of a run. */
  readonly run: string | null;
  /** Names of the targets that the run was given: the principal may act only at these. Null: there is no such limit. */
  readonly within: readonly string[] | null;
  /** The session in which it is asked; null while there is none yet. */
  readonly session: string | null;
  /** The client's address, without a port. */
  readonly address: string;
  /** The acts of the session before this one. */
  readonly history: SessionHistory;
}

/** The acts of a session so far, on all its channels, and of the runs that it is within and that are within it. It is the same object as long as the session lasts, and its values change. */
export interface SessionHistory {
  /** The names of the targets that it used. */
  readonly targets: ReadonlySet<string>;
  /** The tables that it used, each as `TARGET/SCHEMA.TABLE`. */
  readonly tables: ReadonlySet<string>;
  /** True if the session used more tables than are remembered, so that `tables` lacks some. Absent: false. */
  readonly isCut?: boolean;
  /** The classes of the values that it saw. */
  readonly classes: ReadonlySet<string>;
  /** The values that it saw. Absent: none. */
  readonly followed?: { readonly isCut: boolean };
  /** True while it is not known what the session did before a restart of the gateway. Absent: false. */
  readonly isPending?: boolean;
  /** Counts of its requests, of those denied, and of those that people approved. */
  readonly requests: number;
  readonly denials: number;
  readonly approvals: number;
  /** Sums of what its answers brought. */
  readonly rows: number;
  readonly bytes: number;
  readonly tokens: number;
}

/** A question to policy: may this asker do this action at this target? */
export interface Question {
  readonly asker: Asker;
  readonly target: Target;
  /** Ask for its text only when a policy is about text: putting it together takes time. */
  readonly action: Action;
  /** Milliseconds since 1970, UTC. */
  readonly timeMs: number;
}

/** Who asks, from where, and when, whatever is asked. */
export interface Circumstances extends Pick<Question, 'timeMs'> {
  readonly asker: Pick<Asker, 'principal' | 'onBehalfOf' | 'run' | 'address'>;
}

/** The rules of two who ask. */
export interface RulesApart {
  readonly one: RecordingRules;
  readonly other: RecordingRules;
}

/** An act with a record of some kind. */
export interface AskedRecord {
  readonly act: Act;
  /** The name of its target. Null: it belongs to the gateway itself. */
  readonly target: string | null;
  readonly classes: readonly string[];
  /** True if who asks made it, or it was made on their behalf. */
  readonly own: boolean;
  /** The ids of what allows the act, beside the policies. */
  readonly allowing: readonly string[];
}

/** Decides, and does nothing else. A configuration change makes a new one. */
export interface PolicyEngine {
  /** The name of exactly this set of policies. Every decision carries it. */
  readonly version: string;
  /** All policies in force, as text in Cedar. */
  readonly text: string;
  /** All obligations that its decisions may name, but for approvals. Absent: they are not known before. */
  readonly obligations?: readonly Obligation[];
  /** The files of which it is made. Absent: none. */
  readonly sources?: readonly PolicySource[];
  /** The texts of the policies of those files, by their ids. Absent: none. */
  readonly texts?: ReadonlyMap<string, string>;
  /** Those of them that are about recordings. Absent: none. */
  readonly recordingTexts?: ReadonlyMap<string, string>;
  /** The groups whose members decide on what policies hold, by the ids of these policies. Absent: none. */
  readonly deciders?: ReadonlyMap<string, readonly string[]>;
  /** Returns what `policy check` finds in them, each as `FILE:LINE:COLUMN: MESSAGE`. Absent: nothing. */
  readonly findings?: () => readonly string[];
  /** True if a policy with a limit asks what a session did. Absent: false. */
  readonly limitsReadHistory?: boolean;
  /** True if a policy asks what a session did. Absent: false. */
  readonly readsHistory?: boolean;
  /** The names of the facts of requests that policies ask for. Null: any of them. Absent: none. */
  readonly factsRead?: ReadonlySet<string> | null;
  /** Returns the obligations under which some request of one who asks may be at a target. Absent: none. */
  obligationsOfAny?(question: Pick<Question, 'asker' | 'target'>): readonly Obligation[];
  /** Returns what may be decided about actions at a target, whatever the requests are; of a limit it says only that there is one. Absent: nobody knows. */
  accessTo?(question: AccessQuestion): Promise<readonly ActionAccess[]>;
  /** Reads beforehand what it needs to decide, a piece in each turn of the event loop. Before that, a decision may take longer. Absent: nothing is to be read. */
  prepare?(): Promise<void>;
  decide(question: Question): Decision;
  /** Returns what policies say of acts with recordings for one who asks: the same object as long as nothing changes. Absent: nothing. */
  recordingRules?(question: Circumstances): RecordingRules;
  /** Returns the rules of two who ask where they are furthest apart, at any time and wherever they ask. Absent: policies say nothing. */
  recordingRulesApart?(one: Circumstances['asker'], other: Circumstances['asker']): readonly RulesApart[];
  /** Decides about one record. Absent: no policy says anything of recordings. */
  decideOnRecord?(question: Circumstances, asked: AskedRecord): Decision;
}
