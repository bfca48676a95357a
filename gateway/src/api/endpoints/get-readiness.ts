import { z } from 'zod';
import { countOf } from '../../domain/count-of.ts';
import { sayBehind } from '../../feed/index-state.ts';
import type { PlainAnswer } from '../answer.ts';
import { publicEndpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { unreadiness } from '../readiness.ts';

const mediaType = 'application/json';
const ready = z.object({
  status: z.literal('ready'),
  index: z.string().optional().describe('The progress of the index of sessions, while it is not complete.'),
  configuration: z
    .string()
    .optional()
    .describe('Says that the configuration file or a policy file as it is now was refused, so that what was in force before still is.'),
  restored: z.string().optional().describe('Says that the store was restored from a backup just before this start.'),
  notices: z.string().optional().describe('The number of sinks that do not take notices now. Requests are served nevertheless.'),
  storage: z.string().optional().describe('Says that the bucket does not take what is recorded now, which waits on the disk.'),
  timestamps: z.string().optional().describe('Says that the authority of timestamps gives none now.'),
  sinks: z.string().optional().describe('The sinks that follow the record and do not take it now, and how many records each is behind.'),
});
const notReady = z.object({ status: z.literal('not ready'), reasons: z.array(z.string()).readonly().describe('The reasons, one sentence each.') });

type Readiness = z.input<typeof ready> | z.input<typeof notReady>;

const answer: PlainAnswer<Readiness> = {
  contents: { 200: [{ mediaType, schema: ready }], 503: [{ mediaType, schema: notReady }] },
  respond: (result) => Response.json(result, { status: result.status === 'ready' ? 200 : 503 }),
};

export const getReadiness = publicEndpoint({
  id: 'getReadiness',
  method: 'GET',
  path: '/readyz',
  summary: 'Says whether requests are served now, and if not, why.',
  answer,
  act: (
    parts: Pick<
      ApiParts,
      'recorder' | 'isStopping' | 'storeFault' | 'rootFault' | 'reader' | 'outbox' | 'sinkStates' | 'timestamping' | 'archiveState' | 'refused' | 'restored'
    >,
  ): Readiness => {
    const { recorder, reader, outbox, sinkStates, timestamping, archiveState, refused, restored } = parts;
    const reasons = unreadiness(parts);
    if (reasons.length > 0) {
      return { status: 'not ready', reasons };
    }
    const failing = outbox.failing.length;
    const lagging = sinkStates().filter(({ isFailing }) => isFailing);
    return {
      status: 'ready',
      ...(restored === null ? {} : { restored }),
      ...(reader.state.isWhole ? {} : { index: sayBehind(reader.state, recorder.size) }),
      ...(refused() === null
        ? {}
        : { configuration: 'The changed files were refused, and those before are in force: the log says why, and countersign policy show does.' }),
      ...(failing === 0 ? {} : { notices: `${failing === 1 ? 'One sink does' : `${failing} sinks do`} not take notices: the log says which and why.` }),
      ...((archiveState()?.failure ?? null) === null
        ? {}
        : {
            storage: `The bucket does not take what is recorded, and ${countOf(archiveState()?.behindSegments ?? 0, 'segment')} waits on the disk: the log says why, and countersign storage does.`,
          }),
      ...((timestamping?.status.failure ?? null) === null
        ? {}
        : { timestamps: 'The authority of timestamps gives none now, and is asked again: countersign timestamp status says why.' }),
      ...(lagging.length === 0
        ? {}
        : { sinks: `These do not take records, which wait in the journal: ${lagging.map(({ name, behind }) => `${name} (${behind} behind)`).join(', ')}.` }),
    };
  },
});
