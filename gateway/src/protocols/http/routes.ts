import { z } from 'zod';
import type { TargetFacts } from '../../domain/target.ts';

/** Most routes of a target. Each request is compared with them in their order. */
const routesMax = 200;

export const routesOption = z
  .array(z.string().regex(/^\/[^\s?#]{0,511}$/, 'a route is a path like /v1/tickets/{id}'), 'a list of routes is expected')
  .max(routesMax, `at most ${routesMax} routes are expected`)
  .default([])
  .describe(
    'The paths of the API, in which `{NAME}` stands for exactly one part: `["/v1/tickets", "/v1/tickets/{id}"]`. The first that matches is the fact `route` of policies, and `http.route` of the record.',
  );

/** Returns the first route of the target that a path matches; null if there is none. */
export function routeOf(path: string, { options: { routes } }: Pick<TargetFacts, 'options'>): string | null {
  return Array.isArray(routes) ? (routes.find((route: unknown): route is string => typeof route === 'string' && matches(route, path)) ?? null) : null;
}

function matches(route: string, path: string): boolean {
  let at = 0;
  for (const part of route.slice(1).split('/')) {
    if (path[at] !== '/') {
      return false;
    }
    const next = path.indexOf('/', at + 1);
    const end = next === -1 ? path.length : next;
    const given = path.slice(at + 1, end);
    if (/^\{[^{}]*\}$/.test(part) ? given === '' : given !== part) {
      return false;
    }
    at = end;
  }
  return at === path.length;
}
