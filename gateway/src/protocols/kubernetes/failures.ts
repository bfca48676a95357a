import type { Failed, Failure } from '../../exchange/rules.ts';

/** The words of Kubernetes for statuses. Clients act on them. https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/types.go */
const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  // Clients send what met a conflict once more, and a held request must not come again by itself.
  409: 'Forbidden',
  413: 'RequestEntityTooLarge',
  429: 'TooManyRequests',
  500: 'InternalError',
  502: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** Writes an error of the gateway as a Status, which kubectl prints. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export function failure({ problem: { status, detail, session, code, retryAfter } }: Failed): Failure {
  const where = session === undefined ? '' : ` (session ${session})`;
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `countersign: ${detail.replace(/\.$/, '')}${where}`,
    reason: reasons[status] ?? 'InternalError',
    details: { causes: [{ reason: code, message: detail }], ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }) },
    code: status,
  };
  return { status, headers: [['content-type', 'application/json']], body: JSON.stringify(body) };
}
