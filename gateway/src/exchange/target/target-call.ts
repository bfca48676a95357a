import type { CallCredential, CallHead } from '../../domain/call.ts';
import type { Target } from '../../domain/target.ts';
import type { TargetCall } from '../rules.ts';
import { needsWholeBody, readAwsKey, signAws } from './aws-signature.ts';
import { awsMethod, type HttpOptions } from './http-options.ts';

/** Makes the way to call a target from its options. `auth` says where the credential goes if the options do not. */
export function targetCall(target: Target, auth?: string): TargetCall {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the configuration was parsed by `httpOptions`
  const options = target.options as HttpOptions;
  const { tlsVerify, caFile, certFile, keyFile } = options;
  const files = { ...(caFile === undefined ? {} : { caFile }), ...(certFile === undefined ? {} : { certFile }), ...(keyFile === undefined ? {} : { keyFile }) };
  const { awsRegion: region = '', awsService: service = '' } = options;
  const method = options.auth ?? auth ?? (target.user === '' ? 'bearer' : 'basic');
  return {
    tls: target.scheme === 'https' ? { verify: tlsVerify, ...files } : null,
    bodyBytesMax: options.bodyBytesMax,
    allowsEncodedSlash: options.encodedSlash === true,
    givesCredential: target.password !== undefined && method !== 'none',
    needsWholeBody: method === awsMethod && needsWholeBody(service),
    credential: (head, body) =>
      method === awsMethod
        ? signAws(head, body, { ...readAwsKey(target.user, target.password?.() ?? ''), region, service }, new Date())
        : credentialOf(target, method, head),
  };
}

function credentialOf(target: Target, method: string, { path }: CallHead): CallCredential {
  const secret = target.password?.();
  if (secret === undefined || method === 'none') {
    return { headers: [], secrets: [] };
  }
  const secrets = [secret];
  const [kind = '', name = ''] = method.split(':');
  switch (kind) {
    case 'bearer':
      return { headers: [['authorization', `Bearer ${secret}`]], secrets };
    case 'basic': {
      const basic = Buffer.from(`${target.user}:${secret}`).toString('base64');
      return { headers: [['authorization', `Basic ${basic}`]], secrets: [...secrets, basic] };
    }
    case 'header':
      return { headers: [[name.toLowerCase(), secret]], secrets };
    default:
      return {
        headers: [],
        path: withParameter(path, name, encodeURIComponent(secret)),
        secrets: [...secrets, encodeURIComponent(secret)],
      };
  }
}

/** Sets a parameter in the query of a path. It replaces all of the same name, which the target may have put into an address. */
function withParameter(path: string, name: string, value: string): string {
  const [place = '', query = ''] = path.split(/\?(.*)/s, 2);
  const others = query.split('&').filter((each) => each !== '' && each.split('=', 1)[0] !== name);
  return `${place}?${[...others, `${name}=${value}`].join('&')}`;
}
