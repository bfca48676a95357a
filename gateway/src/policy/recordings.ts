import { actsOnAll, type Act } from '../domain/recording-acts.ts';
import { circumstances, type CircumstanceField } from './context.ts';

/** The group of all actions with recordings. */
export const recordingGroup = 'recording';

/** The types of resources. Every record belongs to a target or to the gateway itself, and to the class of each value in it. */
export type ResourceType = 'Target' | 'Class' | 'Gateway';

/** The only entity of its type. */
export const gatewayName = 'gateway';

export function recordingAction(act: Act): string {
  return `${recordingGroup}.${act}`;
}

/** Returns whether a name is that of an action with recordings, whether there is such an action or not. */
export function isRecordingAction(name: string): boolean {
  return name === recordingGroup || name.startsWith(`${recordingGroup}.`);
}

/** Returns the types of resources about which an act is asked. Of what waits for approval no classes are known. */
export function resourceTypesOf(act: Act): readonly ResourceType[] {
  return actsOnAll.has(act) ? ['Gateway'] : act === 'approve' ? ['Target'] : ['Target', 'Class', 'Gateway'];
}

const minuteMs = 60_000;

type Fact = Omit<CircumstanceField, 'type'> & { readonly type: CircumstanceField['type'] | 'time' };

/** The facts of acts with recordings that follow from who asks, where and when. */
export const recordingCircumstances: readonly Fact[] = [
  {
    name: 'now',
    type: 'time',
    title: 'The time, in whole minutes: context.now < datetime("2027-01-31").',
    of: ({ timeMs }) => new Date(Math.floor(timeMs / minuteMs) * minuteMs).toISOString(),
  },
  ...circumstances.filter(({ name }) => ['clientAddress', 'hour', 'weekday'].includes(name)),
];

/** All facts of acts with recordings. */
export const recordingFacts: readonly Omit<Fact, 'of'>[] = [
  { name: 'own', type: 'boolean', title: 'True for records that who asks made, or that were made on their behalf.' },
  ...recordingCircumstances,
];
