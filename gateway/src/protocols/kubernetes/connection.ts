import { filesDirectory, type ConnectionDoor, type ConnectionInstructions } from '../../domain/connection-instructions.ts';
import { targetUrl } from '../../exchange/target/target-url.ts';
import { serverNameOf } from './server-name.ts';

/** The name of the program by which kubectl and client libraries get the token. It is in the environment alone, and so in no file. */
const credentialFile = 'kubernetes_credential';
const user = 'countersign';

/**
 * Says how clients of the Kubernetes API connect. Each target has a file of its own, with a context of its name. Where there is no listener for them, the target is
 * reached as others over HTTP.
 */
export function connection(door: ConnectionDoor): ConnectionInstructions {
  const { host, port, target, key } = door;
  if (key === null) {
    return { url: targetUrl(door), environment: {}, command: `curl -H 'Authorization: Bearer TOKEN' ${targetUrl(door)}/version` };
  }
  const url = `https://${host}:${port}`;
  const file = `kubeconfig_${target}`;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': target,
    clusters: [
      {
        name: target,
        cluster: { server: url, 'tls-server-name': serverNameOf(target), 'certificate-authority-data': Buffer.from(key).toString('base64') },
      },
    ],
    contexts: [{ name: target, context: { cluster: target, user } }],
    users: [
      {
        name: user,
        user: { exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', command: `${filesDirectory}/${credentialFile}`, interactiveMode: 'Never' } },
      },
    ],
  };
  return {
    url,
    environment: {},
    searchPaths: { KUBECONFIG: `${filesDirectory}/${file}` },
    command: `kubectl --context ${target} get pods`,
    files: {
      [file]: `${JSON.stringify(config, null, 2)}\n`,
      [credentialFile]: `#!/bin/sh
printf '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"%s"}}\\n' "$COUNTERSIGN_TOKEN"
exit 0
`,
    },
  };
}
