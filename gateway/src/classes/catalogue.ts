import { contextWordsOf, type ContextWords } from './context.ts';
import type { BuiltIn, Detector, Identifier } from './detector.ts';
import { bic, iban } from './detectors/bank.ts';
import { card } from './detectors/card.ts';
import { cryptoAddress } from './detectors/crypto-address.ts';
import { birthDate, birthDateInWords, drivingLicence, icd10, passport } from './detectors/documents.ts';
import { email } from './detectors/email.ts';
import { europeanIdentifiers } from './detectors/identifiers-europe.ts';
import { worldIdentifiers } from './detectors/identifiers-world.ts';
import { ip, mac, urlCredentials } from './detectors/network.ts';
import { phone } from './detectors/phone.ts';
import { jwt, privateKey, secretToken } from './detectors/secrets.ts';

export interface ClassDescription {
  readonly name: string;
  /** Says what is found, and how it is validated. */
  readonly about: string;
  /** A text with a value. */
  readonly example: string;
  /** Words before a value that name the class. Some values count only behind one. */
  readonly words: readonly string[];
}

export const detectors: readonly Detector[] = [
  email,
  iban,
  urlCredentials,
  jwt,
  privateKey,
  secretToken,
  cryptoAddress,
  ip,
  mac,
  bic,
  passport,
  drivingLicence,
  birthDateInWords,
  phone,
];

export const identifiers: readonly Identifier[] = [card, ...worldIdentifiers, ...europeanIdentifiers, birthDate, icd10];

/**
 * All built-in classes, in the order in which they come before one another where values of several classes have the same place, and words speak equally for
 * them.
 */
const builtIn: readonly BuiltIn[] = [...identifiers, ...detectors.filter(({ name }) => identifiers.every((each) => each.name !== name))];

export const ranks: ReadonlyMap<string, number> = new Map(builtIn.map(({ name }, rank) => [name, rank]));

/** The classes whose values are the same with and without separators, in capitals and in small letters. */
const codes: ReadonlySet<string> = new Set([...identifiers, iban, bic, mac, phone, passport, drivingLicence].map(({ name }) => name));

/** Returns the one spelling of a value of a class that all of its spellings have. */
export function plainValue(name: string, value: string): string {
  return codes.has(name) ? value.replaceAll(/[^\p{L}\p{N}]/gu, '').toUpperCase() : value;
}

export const contextWords: ContextWords = contextWordsOf(builtIn);

/** The classes that are there without any configuration. */
export const builtInClasses: readonly ClassDescription[] = builtIn
  .map(({ name, about, example, words = [] }) => ({ name, about, example, words }))
  .toSorted((one, other) => (one.name < other.name ? -1 : 1));
