import type { ActionDefinition } from '../domain/action.ts';
import type { ContextField } from '../domain/context-field.ts';
import type { PlaceKind } from '../domain/value-place.ts';

/** Everything that policies may speak of: what exists in this gateway and in its configuration. */
export interface Vocabulary {
  readonly protocols: readonly PolicyProtocol[];
  readonly targets: readonly PolicyTarget[];
  readonly principals: readonly PolicyPrincipal[];
  /** Whom the configuration does not name one by one: the names of the issuers of principals, and the groups of which tokens of issuers make members. Absent: there are none. */
  readonly issued?: { readonly issuers: readonly string[]; readonly groups: readonly string[] };
  /** The names of the data classes. */
  readonly classes: readonly string[];
}

export interface PolicyProtocol {
  readonly id: string;
  readonly valuePlaces: PlaceKind;
  readonly actions: readonly ActionDefinition[];
  /** The facts about its requests, beside those that all protocols have. */
  readonly context: readonly ContextField[];
}

export interface PolicyTarget {
  readonly name: string;
  readonly protocol: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, unknown>>;
  /** The data classes for which it is inspected. */
  readonly inspect?: readonly string[];
  /** The places of the values for which it is inspected. Null or absent: values are found by what they look like too, so they may come from anywhere. */
  readonly seenPlaces?: readonly string[] | null;
}

interface PolicyPrincipal {
  readonly id: string;
  readonly kind: 'human' | 'agent';
  readonly groups: readonly string[];
  /** The targets that the configuration grants it. */
  readonly targets: readonly string[];
}

/** The action of connecting to a target. */
export function connectActionName(protocol: string): string {
  return `${protocol}.connect`;
}

/** The action for which a request counts whose action is in no catalogue. */
export function unknownActionName(protocol: string): string {
  return `${protocol}.unknown`;
}

/** Returns the names of all actions of a protocol that a policy may name. */
export function actionNames({ id, actions }: PolicyProtocol): readonly string[] {
  return [...new Set([connectActionName(id), unknownActionName(id), ...actions.map(({ name }) => name)])];
}

/** Returns the names of the tags that targets have. A target without one of them has it empty. */
export function tagNames(targets: readonly PolicyTarget[]): readonly string[] {
  return [...new Set(targets.flatMap(({ tags = {} }) => Object.keys(tags)))].toSorted();
}
