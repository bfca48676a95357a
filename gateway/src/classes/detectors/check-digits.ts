/** True if the last digit is the check digit of ISO/IEC 7812-1, annex B. */
export function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const value = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    sum += i % 2 === 0 ? value : value > 4 ? value * 2 - 9 : value * 2;
  }
  return sum % 10 === 0;
}

/** Returns the sum of the digits, each times its weight. Digits without a weight do not count. */
export function weighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * (digits.charCodeAt(i) - 0x30), 0);
}

/** Returns the remainder of a number of any length. */
export function remainder(digits: string, divisor: number): number {
  let rest = 0;
  for (let i = 0; i < digits.length; i += 1) {
    rest = (rest * 10 + digits.charCodeAt(i) - 0x30) % divisor;
  }
  return rest;
}

/** True if the remainder of ISO/IEC 7064 MOD 97-10 is 1. Letters count as 10 to 35. */
export function isMod97(code: string): boolean {
  let rest = 0;
  for (let i = 0; i < code.length; i += 1) {
    const unit = code.charCodeAt(i);
    rest = unit < 0x40 ? (rest * 10 + unit - 0x30) % 97 : (rest * 100 + unit - 0x37) % 97;
  }
  return rest === 1;
}

/** True for ISO/IEC 7064 MOD 11,10. */
export function isMod11And10(digits: string): boolean {
  let product = 10;
  for (let i = 0; i < digits.length - 1; i += 1) {
    const sum = (digits.charCodeAt(i) - 0x30 + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (product + digits.charCodeAt(digits.length - 1) - 0x30) % 10 === 1;
}

const dihedral: readonly string[] = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const permutations: readonly string[] = ['0123456789', '1576283094', '5803796142', '8916043527', '9453126870', '4286573901', '2793806415', '7046913258'];

/** True if the last digit is the check digit of Verhoeff's code. */
export function isVerhoeff(digits: string): boolean {
  let check = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const value = Number(digits[digits.length - 1 - i]);
    check = Number(dihedral[check]?.[Number(permutations[i % 8]?.[value])]);
  }
  return check === 0;
}

const daysOf: readonly number[] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** True if there is such a day in some year. */
export function isDay(month: number, day: number): boolean {
  return day >= 1 && day <= (daysOf[month - 1] ?? 0);
}

/** True for digits that are all the same, which pass many checks. */
export function isUniform(digits: string): boolean {
  return digits === (digits[0] ?? '').repeat(digits.length);
}
