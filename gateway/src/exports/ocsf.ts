import { isIP } from 'node:net';
import { alertActions } from '../alerts/alert.ts';
import type { AttributeValue } from '../domain/action.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { disconnectAction } from '../domain/record.ts';
import type { FeedRecord } from './feed-record.ts';

/** The version of the Open Cybersecurity Schema Framework: https://schema.ocsf.io/1.8.0 */
const ocsfVersion = '1.8.0';
/** Most characters of a text. */
const charactersMax = 8192;

const severityIds: Readonly<Record<string, number>> = { info: 1, low: 2, medium: 3, high: 4, critical: 5 };
const unknown = 0;
const informational = 1;
const low = 2;
const other = 99;

/** The classes of events, each with its category. */
const classes = {
  base: [0, 0],
  authentication: [3, 3002],
  detectionFinding: [2, 2004],
  dataSecurityFinding: [2, 2006],
  apiActivity: [6, 6003],
  datastoreActivity: [6, 6005],
} as const;

type ClassName = keyof typeof classes;

/** An event of OCSF, for JSON. */
export type OcsfEvent = Readonly<Record<string, unknown>>;

/** Profiles, in whose words an event says more than its class has. */
const control = 'security_control';
const ai = 'ai_operation';

/** Activities of API Activity and Datastore Activity by effects: what changes most comes first. */
const activities = {
  apiActivity: [
    ['destroy', 4],
    ['define', 1],
    ['write', 3],
    ['read', 2],
    ['unknown', unknown],
  ],
  datastoreActivity: [
    ['destroy', 7],
    ['define', 6],
    ['write', 5],
    ['read', 1],
    ['unknown', unknown],
  ],
} as const;
const query = 4;
const alertSteps: Readonly<Record<string, number>> = { [alertActions.raise]: 1, [alertActions.close]: 3 };
const findingUpdated = 2;

/**
 * Makes the OCSF event of a record. Each record is one event: who did what to which target is API Activity or Datastore Activity, logins are Authentication, alerts are
 * Detection Findings, values that were masked or went on are Data Security Findings, and the rest are base events.
 */
export function ocsfEvent(record: FeedRecord): OcsfEvent {
  const name = classOf(record);
  const [category, uid] = classes[name];
  const { activity, facts, profiles = [] } = parts[name](record);
  const { shown } = record;
  const { text } = shown.content ?? {};
  return {
    metadata: metadataOf(record, profiles),
    time: Date.parse(shown.time),
    category_uid: category,
    class_uid: uid,
    activity_id: activity,
    type_uid: uid * 100 + activity,
    severity_id: severityIds[String(shown.attributes[ownAttributes.severity])] ?? (shown.verdict === 'deny' ? low : informational),
    message: cut(sentenceOf(record)),
    ...facts,
    ...(text === undefined || text === '' ? {} : { raw_data: cut(text) }),
    unmapped: unmappedOf(record),
  };
}

interface Parts {
  readonly activity: number;
  readonly facts: OcsfEvent;
  readonly profiles?: readonly string[];
}

const logons: ReadonlySet<string> = new Set(['gateway.authenticate', 'gateway.accept_token', 'gateway.connect', 'gateway.sign_in']);
const logoffs: ReadonlySet<string> = new Set([disconnectAction, 'gateway.end_sign_ins']);

function classOf({ shown: { kind, action, attributes, verdict }, values }: FeedRecord): ClassName {
  const isAlertStep = action !== null && Object.values<string>(alertActions).includes(action);
  if (kind === 'mask' || (kind === 'alert' && attributes[ownAttributes.leak] !== undefined)) {
    return 'dataSecurityFinding';
  }
  if (kind === 'alert' || isAlertStep) {
    return 'detectionFinding';
  }
  // Who came in and lacks a role did not fail to log in.
  const lacksRole = textOf(attributes[ownAttributes.reason])?.startsWith('refused: ') === true;
  if (action !== null && !lacksRole && (logons.has(action) || logoffs.has(action))) {
    return 'authentication';
  }
  if (kind === 'access' || kind === 'approval') {
    return 'apiActivity';
  }
  if (kind === 'request' || kind === 'response') {
    return values.has('db.system.name') || values.has('verb') ? 'datastoreActivity' : 'apiActivity';
  }
  return kind === 'decision' && verdict !== null && values.has('principal') ? 'apiActivity' : 'base';
}

const parts: Readonly<Record<ClassName, (record: FeedRecord) => Parts>> = {
  base: () => ({ activity: other, facts: { activity_name: 'Recorded' } }),
  authentication: (record) => {
    const { shown } = record;
    return {
      activity: logoffs.has(shown.action ?? '') ? 2 : 1,
      profiles: [control],
      facts: {
        user: userOf(record) ?? { name: 'unknown' },
        service: { name: shown.target ?? textOf(shown.attributes[ownAttributes.target]) ?? textOf(shown.attributes[ownAttributes.protocol]) ?? 'countersign' },
        src_endpoint: clientOf(record),
        session: { uid: shown.session },
        is_remote: true,
        ...outcomeOf(record),
        ...controlOf(record),
      },
    };
  },
  detectionFinding: (record) => {
    const { shown } = record;
    return {
      activity: shown.kind === 'alert' && !Object.hasOwn(alertSteps, shown.action ?? '') ? 1 : (alertSteps[shown.action ?? ''] ?? findingUpdated),
      facts: { is_alert: true, finding_info: findingOf(record) },
    };
  },
  dataSecurityFinding: (record) => ({
    activity: 1,
    facts: {
      actor: actorOf(record),
      src_endpoint: clientOf(record),
      finding_info: findingOf(record),
      data_security: {
        detection_system_id: 9,
        data_lifecycle_state_id: 2,
        detection_pattern: cut(patternOf(record)),
      },
      ...(record.shown.target === null ? {} : { resources: [{ name: record.shown.target, type: 'target' }] }),
    },
  }),
  apiActivity: (record) => {
    const { shown } = record;
    const tool = valuesOf(record, 'tool')[0];
    return {
      activity: shown.kind === 'access' ? 2 : activityOf(record, 'apiActivity', other),
      profiles: [control, ...(aiOf(record) === null ? [] : [ai])],
      facts: {
        actor: actorOf(record),
        src_endpoint: clientOf(record),
        api: apiOf(record),
        ...placeOf(record),
        ...(tool === undefined ? {} : { resources: [{ name: tool, type: 'tool' }] }),
        ...aiOf(record),
        ...outcomeOf(record),
        ...controlOf(record),
      },
    };
  },
  datastoreActivity: (record) => {
    const { attributes, target } = record.shown;
    const statement = textOf(attributes['db.query.text']);
    const [table] = valuesOf(record, 'table');
    return {
      activity: activityOf(record, 'datastoreActivity', query),
      profiles: [control],
      facts: {
        actor: actorOf(record),
        src_endpoint: clientOf(record),
        database: { name: textOf(attributes['db.namespace']) ?? target ?? 'unknown', ...(target === null ? {} : { uid: target }), type_id: 1 },
        ...(table === undefined ? {} : { table: { name: table } }),
        ...(statement === null ? {} : { query_info: { query_string: cut(statement), uid: record.shown.record } }),
        ...placeOf(record),
        ...outcomeOf(record),
        ...controlOf(record),
      },
    };
  },
};

function metadataOf({ index, shown }: FeedRecord, profiles: readonly string[]): OcsfEvent {
  return {
    version: ocsfVersion,
    product: { name: 'Countersign', vendor_name: 'Countersign' },
    uid: shown.record,
    sequence: index,
    correlation_uid: shown.session,
    log_name: shown.record.slice(0, shown.record.lastIndexOf('/')),
    event_code: shown.action ?? shown.kind,
    ...(profiles.length === 0 ? {} : { profiles }),
  };
}

function userOf(record: FeedRecord): OcsfEvent | null {
  const [name] = valuesOf(record, 'principal', ownAttributes.principal);
  const groups = valuesOf(record, 'group').map((each) => ({ name: each }));
  return name === undefined ? null : { name, uid: name, ...(groups.length === 0 ? {} : { groups }) };
}

function actorOf(record: FeedRecord): OcsfEvent {
  const user = userOf(record);
  const [onBehalfOf] = valuesOf(record, 'on-behalf-of');
  const authorizations = record.shown.policies.map((uid) => ({
    ...(record.shown.verdict === null ? {} : { decision: record.shown.verdict }),
    policy: { uid },
  }));
  return {
    ...(user === null ? { app_name: 'countersign' } : { user }),
    session: { uid: record.shown.session },
    ...(onBehalfOf === undefined ? {} : { invoked_by: onBehalfOf }),
    ...(authorizations.length === 0 ? {} : { authorizations }),
  };
}

function clientOf(record: FeedRecord): OcsfEvent {
  const [address] = valuesOf(record, 'address');
  return address === undefined ? { svc_name: 'countersign' } : isIP(address) === 0 ? { name: address } : { ip: address };
}

/** The target, as the place to which something went. */
function placeOf({ shown: { target } }: FeedRecord): OcsfEvent {
  return target === null ? {} : { dst_endpoint: { svc_name: target } };
}

function apiOf(record: FeedRecord): OcsfEvent {
  const { shown } = record;
  const { [ownAttributes.request]: request = shown.seq, [ownAttributes.accessWhat]: read } = shown.attributes;
  const [status] = valuesOf(record, 'status');
  return {
    operation: shown.action ?? (read === undefined ? shown.kind : `record.${String(read)}`),
    service: { name: shown.target ?? 'countersign' },
    request: { uid: `${shown.session}/${String(request)}` },
    ...(status === undefined || !Number.isSafeInteger(Number(status)) ? {} : { response: { code: Number(status) } }),
  };
}

/** The model and its use; null if the record is of none, or it is not known which. */
function aiOf(record: FeedRecord): OcsfEvent | null {
  const [name] = valuesOf(record, 'model-served', 'model');
  const [provider = record.shown.protocol ?? undefined] = valuesOf(record, 'provider');
  if (name === undefined || provider === undefined) {
    return null;
  }
  const [prompt, completion] = ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens'].map((each) => record.shown.attributes[each]);
  const tokens = {
    ...(typeof prompt === 'number' ? { prompt_tokens: prompt } : {}),
    ...(typeof completion === 'number' ? { completion_tokens: completion } : {}),
    ...(typeof prompt === 'number' && typeof completion === 'number' ? { total_tokens: prompt + completion } : {}),
  };
  return {
    ai_model: { name, ai_provider: provider },
    message_context: { service: { name: record.shown.target ?? 'countersign' }, ai_role_id: record.shown.kind === 'response' ? 2 : 1, ...tokens },
  };
}

/** How it ended, as far as the record says. */
function outcomeOf(record: FeedRecord): OcsfEvent {
  const { verdict, attributes } = record.shown;
  const [code] = valuesOf(record, 'status', 'sqlstate');
  const error = textOf(attributes['error.type']);
  const reason = textOf(attributes[ownAttributes.reason]);
  const failed = verdict === 'deny' || error !== null || Number(code) >= 400 || (code !== undefined && Number.isNaN(Number(code)));
  const isKnown = failed || verdict === 'allow' || code !== undefined;
  return {
    status_id: isKnown ? (failed ? 2 : 1) : unknown,
    ...(code === undefined ? {} : { status_code: code }),
    ...(reason === null ? {} : { status_detail: cut(reason) }),
  };
}

/** The decision, in the words of the profile for controls. */
function controlOf({ shown: { verdict, policies } }: FeedRecord): OcsfEvent {
  const [policy] = policies;
  const [action, disposition] = verdict === 'allow' ? [1, 1] : verdict === 'deny' ? [2, 2] : verdict === 'hold' ? [3, 14] : [unknown, unknown];
  return { action_id: action, disposition_id: disposition, ...(policy === undefined ? {} : { policy: { uid: policy } }) };
}

/** The data classes of what was found. */
function patternOf(record: FeedRecord): string {
  const leak = listOf(record.shown.attributes[ownAttributes.leak]);
  return (leak.length > 0 ? leak : valuesOf(record, 'masked', 'class')).join(', ') || 'a data class';
}

function activityOf(record: FeedRecord, name: keyof typeof activities, otherwise: number): number {
  const effects = valuesOf(record, 'effect');
  return activities[name].find(([effect]) => effects.includes(effect))?.[1] ?? otherwise;
}

/** The finding that an alert is, or that a control made. */
function findingOf({ shown }: FeedRecord): OcsfEvent {
  const { attributes } = shown;
  const id = textOf(attributes[ownAttributes.alertId]);
  const rule = textOf(attributes[ownAttributes.alertRule]) ?? shown.policies[0] ?? shown.action ?? shown.kind;
  const timeOf = (name: string): number | null => (typeof attributes[name] === 'string' ? Date.parse(attributes[name]) : null);
  const [first, last] = [timeOf(ownAttributes.firstTime), timeOf(ownAttributes.lastTime)];
  const records = listOf(attributes[ownAttributes.alertRecords]).map((uid) => ({ uid }));
  const by = listOf(attributes[ownAttributes.alertBy]);
  const count = attributes[ownAttributes.count];
  return {
    uid: id ?? shown.record,
    title: rule,
    analytic: { name: rule, uid: rule, type_id: 1 },
    ...(by.length === 0 ? {} : { desc: cut(by.join(', ')) }),
    ...(first === null ? {} : { first_seen_time: first }),
    ...(last === null ? {} : { last_seen_time: last }),
    ...(records.length === 0 ? {} : { related_events: records }),
    ...(typeof count === 'number' ? { related_events_count: count } : {}),
  };
}

/** The attributes by their names in OpenTelemetry. */
function unmappedOf({ shown: { attributes, kind, channel, seq } }: FeedRecord): OcsfEvent {
  return { [ownAttributes.kind]: kind, [ownAttributes.seq]: seq, ...(channel === null ? {} : { [ownAttributes.channel]: channel }), ...attributes };
}

function sentenceOf({ shown: { principal, action, kind, target, verdict } }: FeedRecord): string {
  return [principal, kind, action, target === null ? null : `at ${target}`, verdict].filter((each) => each !== null).join(' ');
}

/** The values of the first of the fields that has any. */
function valuesOf({ values }: FeedRecord, ...fields: readonly string[]): readonly string[] {
  return fields.map((field) => values.get(field)).find((found) => found !== undefined) ?? [];
}

function textOf(value: AttributeValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function listOf(value: AttributeValue | undefined): readonly string[] {
  return typeof value === 'object' ? value : [];
}

function cut(text: string): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax).toWellFormed()}…`;
}
