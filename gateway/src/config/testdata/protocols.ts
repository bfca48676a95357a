import { GatewayError } from '../../domain/errors.ts';
import type { Protocol } from '../../domain/protocol.ts';

/** A protocol as the configuration sees one: it takes the option `tls` and no other. */
const alpha: Protocol = {
  id: 'alpha',
  title: 'Alpha',
  defaultPort: 1111,
  schemes: ['alpha', 'alphas'],
  actions: [],
  parseOptions: ({ tls = 'off', ...rest }) => {
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) {
      throw new GatewayError('config_invalid', `${unknown}: not known`);
    }
    return { tls };
  },
  connection: ({ host, port, target, token }) => ({ url: `alpha://${token}@${host}:${port}/${target}`, environment: {}, command: 'alpha' }),
  serve: async () => Promise.resolve(),
  render: () => ({ mediaType: 'text/plain', text: '', attributes: {} }),
};

export const protocols: readonly Protocol[] = [alpha, { ...alpha, id: 'beta', defaultPort: 2222, schemes: ['beta'] }];
