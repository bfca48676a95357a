import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { askFile } from '../../api/ask.ts';
import { useLive } from '../../api/use-live.ts';
import { useIsAuditor } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';

const signedMs = 15_000;

/** Says whether the gateway records and serves, and what of it has trouble. */
export function Health(): ReactNode {
  const { data, error } = useLive('GET /readyz');
  const { status: _status, ...troubles } = data ?? {};
  const isAuditor = useIsAuditor();
  const said = error === null ? Object.values(troubles) : [error.message];
  const level = error !== null ? 'high' : said.length > 0 ? 'medium' : 'low';
  return (
    <p className="health" role="status">
      {data === undefined && error === null ? (
        texts.state.loading
      ) : (
        <>
          <span className={`mark ${level}`}>{texts.now.health[level]}</span> {said.join(' ')} {isAuditor && <Signed />}
        </>
      )}
    </p>
  );
}

/** How many records the newest checkpoint signs, as it says itself: verified is that on the page Integrity. */
function Signed(): ReactNode {
  const { data } = useQuery({
    queryKey: ['newest checkpoint'],
    queryFn: async ({ signal }) => new TextDecoder().decode(await askFile('GET /log/{path}', { path: { path: 'checkpoint' }, signal })),
    refetchInterval: signedMs,
  });
  const [, size] = data?.split('\n') ?? [];
  return (
    size !== undefined && (
      <Link to="/integrity" className="quiet">
        {texts.now.signed(Number(size))}
      </Link>
    )
  );
}
