// The Merkle tree of RFC 9162 §2.1 (the same as RFC 6962's): appending from a stored frontier, root, proofs and their verification.
// Hashes are lower-case hexadecimal at the boundary.
import { hash } from "node:crypto";

/** RFC 9162 §2.1.1: the hash of a tree without leaves. */
const EMPTY_ROOT = hash("sha256", "", "hex");

/**
 * A tree that only grows. It remembers the roots of the full subtrees that its size is made of (one for each bit that is set, largest first):
 * at most 53 hashes, whatever its size.
 */
export class GrowingTree {
  #size: number;
  readonly #frontier: string[];

  constructor(state: { readonly size: number; readonly frontier: readonly string[] } = { size: 0, frontier: [] }) {
    if (bitsSet(state.size) !== state.frontier.length) {
      throw new Error(
        `A tree of ${state.size} leaves has ${bitsSet(state.size)} full subtrees, not ${state.frontier.length}.`,
      );
    }
    this.#size = state.size;
    this.#frontier = [...state.frontier];
  }

  get size(): number {
    return this.#size;
  }

  get frontier(): readonly string[] {
    return [...this.#frontier];
  }

  append(leaf: string): void {
    let subtree = leaf;
    // Every trailing bit that is set is a full subtree of the same height as the one that grows.
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      subtree = nodeHash(this.#frontier.pop() as string, subtree);
    }
    this.#frontier.push(subtree);
    this.#size++;
  }

  root(): string {
    const [last, ...larger] = [...this.#frontier].reverse();
    if (last === undefined) return EMPTY_ROOT;
    return larger.reduce((right, left) => nodeHash(left, right), last);
  }
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: string, right: string): string {
  return hash("sha256", Buffer.from(`01${left}${right}`, "hex"), "hex");
}

/** The root of these leaves. */
export function rootOf(leaves: readonly string[]): string {
  const tree = new GrowingTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
}

/** PATH(index, leaves), RFC 9162 §2.1.3.1. */
export function inclusionProof(leaves: readonly string[], index: number): readonly string[] {
  if (leaves.length <= 1) return [];
  const middle = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  return index < middle
    ? [...inclusionProof(left, index), rootOf(right)]
    : [...inclusionProof(right, index - middle), rootOf(left)];
}

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion(claim: {
  readonly leaf: string;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly string[];
  readonly root: string;
}): boolean {
  if (claim.index < 0 || claim.index >= claim.size) return false;
  let position = claim.index;
  let last = claim.size - 1;
  let result = claim.leaf;
  for (const sibling of claim.proof) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      result = nodeHash(sibling, result);
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      result = nodeHash(result, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && result === claim.root;
}

/** PROOF(firstSize, leaves), RFC 9162 §2.1.4.1. */
export function consistencyProof(leaves: readonly string[], firstSize: number): readonly string[] {
  return firstSize === 0 ? [] : subProof(leaves, firstSize, true);
}

function subProof(leaves: readonly string[], firstSize: number, whole: boolean): readonly string[] {
  if (firstSize === leaves.length) return whole ? [] : [rootOf(leaves)];
  const middle = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  return firstSize <= middle
    ? [...subProof(left, firstSize, whole), rootOf(right)]
    : [...subProof(right, firstSize - middle, false), rootOf(left)];
}

export interface ConsistencyClaim {
  readonly firstSize: number;
  readonly firstRoot: string;
  readonly secondSize: number;
  readonly secondRoot: string;
  readonly proof: readonly string[];
}

/** RFC 9162 §2.1.4.2: the first tree is the beginning of the second. */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { firstSize, secondSize, firstRoot, secondRoot } = claim;
  if (firstSize > secondSize) return false;
  if (firstSize === secondSize) return claim.proof.length === 0 && firstRoot === secondRoot;
  if (firstSize === 0) return claim.proof.length === 0;
  // Where the first size is a power of two its root is the first node of the path, and the proof leaves it out.
  const path = bitsSet(firstSize) === 1 ? [firstRoot, ...claim.proof] : [...claim.proof];
  return walkConsistency(claim, path);
}

function walkConsistency(claim: ConsistencyClaim, path: readonly string[]): boolean {
  const [start, ...rest] = path;
  if (start === undefined) return false;
  let position = claim.firstSize - 1;
  let last = claim.secondSize - 1;
  while (position % 2 === 1) [position, last] = [half(position), half(last)];
  let [first, second] = [start, start];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      first = nodeHash(sibling, first);
      second = nodeHash(sibling, second);
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      second = nodeHash(second, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && first === claim.firstRoot && second === claim.secondRoot;
}

/** The largest power of two below `size`. */
function splitOf(size: number): number {
  return 2 ** Math.floor(Math.log2(size - 1));
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function bitsSet(size: number): number {
  return size.toString(2).replaceAll("0", "").length;
}
