import type { Attributes } from '../../domain/action.ts';
import { type Effect, readEffects, unknownEffects } from '../../domain/effects.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';

const executeEffects: readonly Effect[] = Object.freeze(['execute', 'read'] as const);
const hiddenEffects: readonly Effect[] = Object.freeze(['read', 'unknown'] as const);
const hiddenExecuteEffects: readonly Effect[] = Object.freeze(['execute', 'read', 'unknown'] as const);

/** Matches what the provider keeps and what may bring tools of its own, so that the request does not show them: a stored prompt, a preset, a cached beginning. */
const bringsTools = /^(?:prompt|preset|cachedContent)=/;
/** Matches the name of a prompt that Bedrock keeps, in the place of a model's name. */
const keptPrompt = /:prompt\//;
/** Matches the names of models that OpenRouter lets search the web. */
const searches = /:online$/;

/** Returns the effects of a request by its other attributes. `isKnown` is false if its action is unknown. */
export function effectsOf(isKnown: boolean, attributes: Attributes): readonly Effect[] {
  if (!isKnown) {
    return unknownEffects;
  }
  const models = [attributes['gen_ai.request.model'], attributes[ownAttributes.otherModels]].flatMap(textsIn);
  const executes = attributes[ownAttributes.serverTools] !== undefined || models.some((model) => searches.test(model));
  const hides = textsIn(attributes[ownAttributes.providerContext]).some((each) => bringsTools.test(each)) || models.some((model) => keptPrompt.test(model));
  return executes ? (hides ? hiddenExecuteEffects : executeEffects) : hides ? hiddenEffects : readEffects;
}

function textsIn(value: Attributes[string] | undefined): readonly string[] {
  return typeof value === 'string' ? [value] : typeof value === 'object' ? value : [];
}
