import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { inRecords } from '../../domain/record.ts';
import { appendOwnDecision } from '../../sessions/own-decision.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { untilRecorded } from '../recorded-acts.ts';
import { requireTarget } from '../target-summary.ts';
import { summarizeTool, toolSummary } from '../tool-summary.ts';

const body = z.strictObject({
  tools: z.array(z.string()).max(2000).optional().describe('The names of the tools whose present definitions are pinned; absent: all.'),
});

export const pinTools = endpoint({
  id: 'pinTools',
  method: 'POST',
  path: '/api/v1/targets/:target/tools/pin',
  summary: 'Pins the present definitions of the tools of a target, and so accepts those that changed. Who did it is recorded.',
  params: { target: z.string() },
  body: jsonBody(body),
  answer: json(z.array(toolSummary).describe('The tools that are pinned by this.')),
  errors: ['unknown_target', 'not_found', 'catching_up'],
  act: async ({ targets, pinsOf, recorder }: Pick<ApiParts, 'targets' | 'pinsOf' | 'recorder'>, { caller, params, body: { tools } }) => {
    const target = requireTarget(targets(), params.target);
    const pins = pinsOf(target);
    const seen = new Map((pins?.of(target.name) ?? []).map((tool) => [tool.name, tool]));
    const strange = tools?.find((name) => !seen.has(name));
    if (strange !== undefined) {
      throw new GatewayError(
        'not_found',
        `${target.name} has listed no tool ${JSON.stringify(strange)}: countersign target tools ${target.name} names those that it has.`,
      );
    }
    const names = tools ?? [...seen.keys()];
    pins?.pin(target.name, names, (told) => {
      for (const texts of inRecords(told)) {
        appendOwnDecision(recorder, {
          action: `${target.protocol}.pin_tools`,
          verdict: 'allow',
          reason: `the present definitions of these tools of ${target.name} are pinned`,
          attributes: { 'user.id': caller.id, 'client.address': caller.address, [ownAttributes.target]: target.name, [ownAttributes.told]: texts },
        });
      }
    });
    await untilRecorded(recorder);
    return (pins?.of(target.name) ?? []).filter(({ name }) => names.includes(name)).map(summarizeTool);
  },
});
