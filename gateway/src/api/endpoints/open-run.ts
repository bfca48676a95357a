import { json } from '../answer.ts';
import { beginRun, openedRun, runRequest, type RunParts } from '../begin-run.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';

export const openRun = endpoint({
  id: 'openRun',
  method: 'POST',
  path: '/api/v1/runs',
  summary: 'Opens a session for a command, with a token that is valid only inside it. If the caller is a run, the new run is inside it.',
  callers: 'runs',
  body: jsonBody(runRequest),
  answer: json(openedRun, 201),
  errors: ['unknown_principal', 'unknown_target', 'stopping', 'halted'],
  act: async (parts: RunParts, { caller, body }) => beginRun(parts, caller, body),
});
