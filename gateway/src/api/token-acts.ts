import type { Recorder } from '../recording/recorder.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { TokenAct, Tokens } from '../store/tokens.ts';

/** One act in the gateway's own session; once it is there it is no more unrecorded. Errors: `cannot_record`: then the next start records it. */
export async function recordTokenAct(recorder: Recorder, tokens: Tokens, { act, token, principal, timeMs, by }: TokenAct, address?: string): Promise<void> {
  await recordOwnDecision(recorder, {
    action: `gateway.${act}_token`,
    verdict: 'allow',
    ...(act === 'revoke' ? { isFromReserve: true } : {}),
    reason: act === 'create' ? `a token for ${principal}` : `token ${token}`,
    attributes: {
      'user.id': by,
      ...(address === undefined ? { 'countersign.without_gateway': true } : { 'client.address': address }),
      'countersign.token.id': token,
      'countersign.principal': principal,
      'countersign.time': new Date(timeMs).toISOString(),
    },
  });
  await tokens.recorded({ act, token });
}

/** At a start, before anything is served: what was done while no gateway ran, or was not recorded when one was killed. */
export async function recordLeftTokenActs(recorder: Recorder, tokens: Tokens): Promise<void> {
  for (const act of await tokens.unrecorded()) {
    await recordTokenAct(recorder, tokens, act);
  }
}
