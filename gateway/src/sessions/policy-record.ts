import { changeEnvironment, type Environment } from '../domain/environment.ts';
import type { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from './meta.ts';

/** Records the policies that are in force from now on: their version for everybody, their text sealed. Throws GatewayError `cannot_record`. */
export function recordPolicy(recorder: Recorder, { version, text }: PolicyEngine): void {
  recorder.append(recorder.own, { kind: 'policy', meta: JSON.stringify({ version }), content: [Buffer.from(text)] });
}

/** Records how the policies that are in force from now on differ from those before. Throws GatewayError `cannot_record`. */
export function recordPolicyChanges(recorder: Recorder, changes: string): void {
  recorder.append(recorder.own, { kind: 'event', meta: printMeta(0, { action: 'gateway.change_policies', reason: changes }), content: [] });
}

/** Records the environment of the gateway's own records from now on. Throws GatewayError `cannot_record`. */
export function recordEnvironment(recorder: Recorder, environment: Environment): void {
  recorder.append(recorder.own, { kind: 'event', meta: printMeta(0, { action: changeEnvironment, ...environment }), content: [] });
}

/** Records that changed policies were not put into force, and that those before stay. Throws GatewayError `cannot_record`. */
export function recordRefusedPolicy(recorder: Recorder, { version }: PolicyEngine, { message }: GatewayError): void {
  const attributes = { [ownAttributes.policyVersion]: version };
  recorder.append(recorder.own, { kind: 'alert', meta: printMeta(0, { action: 'gateway.refuse_policy', reason: message, attributes }), content: [] });
}
