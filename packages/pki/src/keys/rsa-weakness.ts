import { hex } from "../bytes.ts";
import { PkiError } from "../pki-error.ts";

/** As Boulder: the Baseline Requirements want 100 rounds. */
const FERMAT_ROUNDS = 110;
const SMALLEST_PRIME_ALLOWED = 752;

/** Refuses a modulus with a small factor, from the broken Infineon generator, or of two primes too close together. */
export function checkRsaModulus(modulus: Uint8Array): void {
  const n = BigInt(`0x${hex(modulus)}`);
  const residues = smallResidues(n);
  const factor = PRIMES.find((prime) => residues.get(prime) === 0);
  if (factor !== undefined) refuse(`is divisible by ${factor}`);
  if (hasRocaFingerprint(residues)) refuse("comes from a faulty Infineon chip (ROCA, CVE-2017-15361)");
  if (factorsByFermat(n)) refuse("is the product of two primes that are too close together");
}

function refuse(problem: string): never {
  throw new PkiError("key_weak", `The RSA modulus ${problem}; generate a new key with a sound random source.`);
}

const PRIMES: readonly number[] = primesBelow(SMALLEST_PRIME_ALLOWED);

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

/** Primes in groups whose product a double holds exactly: one long division answers for the whole group. */
const GROUPS: readonly { readonly primes: readonly number[]; readonly product: bigint }[] = groupsOf(PRIMES);

function groupsOf(primes: readonly number[]): { primes: number[]; product: bigint }[] {
  const groups: { primes: number[]; product: bigint }[] = [];
  for (const prime of primes) {
    const last = groups.at(-1);
    if (last !== undefined && last.product * BigInt(prime) <= BigInt(Number.MAX_SAFE_INTEGER)) {
      last.primes.push(prime);
      last.product *= BigInt(prime);
    } else groups.push({ primes: [prime], product: BigInt(prime) });
  }
  return groups;
}

function smallResidues(n: bigint): Map<number, number> {
  const residues = new Map<number, number>();
  for (const group of GROUPS) {
    const rest = Number(n % group.product);
    for (const prime of group.primes) residues.set(prime, rest % prime);
  }
  return residues;
}

/**
 * The generator of CVE-2017-15361 made moduli that are powers of 65537 modulo small primes. For each prime: the order of
 * the subgroup in which a vulnerable modulus lies (crocs-muni/roca, as in titanous/rocacheck).
 */
const ROCA_ORDERS: readonly (readonly [order: number, prime: number])[] = [
  [2, 11],
  [6, 13],
  [8, 17],
  [9, 19],
  [3, 37],
  [26, 53],
  [20, 61],
  [35, 71],
  [24, 73],
  [13, 79],
  [6, 97],
  [51, 103],
  [53, 107],
  [54, 109],
  [42, 127],
  [50, 151],
  [78, 157],
];

function hasRocaFingerprint(residues: ReadonlyMap<number, number>): boolean {
  return ROCA_ORDERS.every(([order, prime]) => powerModulo(residues.get(prime)!, order, prime) === 1);
}

function powerModulo(base: number, exponent: number, modulus: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = (result * base) % modulus;
  return result;
}

/** Fermat's method: n = a² − b² with a just above the square root of n, if the primes are close. */
function factorsByFermat(n: bigint): boolean {
  const root = squareRoot(n);
  // A square has one prime twice; the rounds below begin beyond it.
  if (root * root === n) return true;
  let a = root + 1n;
  let difference = a * a - n;
  for (let round = 0; round < FERMAT_ROUNDS; round++) {
    if (isSquare(difference)) return true;
    difference += 2n * a + 1n;
    a += 1n;
  }
  return false;
}

/** Squares modulo 2^8, as a cheap sieve: five of six candidates end here. */
const SQUARE_LOW_BYTES: ReadonlySet<number> = new Set(Array.from({ length: 256 }, (_, i) => (i * i) % 256));

function isSquare(value: bigint): boolean {
  if (!SQUARE_LOW_BYTES.has(Number(BigInt.asUintN(8, value)))) return false;
  const root = squareRoot(value);
  return root * root === value;
}

/** The integer square root by Newton's method, from above. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(16).length * 4 + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
