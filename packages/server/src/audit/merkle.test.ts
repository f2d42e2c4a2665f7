import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { leafHash } from "./leaf.ts";
import {
  consistencyProof,
  GrowingTree,
  inclusionProof,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from "./merkle.ts";

const leavesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => leafHash(`entry ${i}`));

/** MTH by its definition, RFC 9162 §2.1.1, as slow as it is plain. */
function defined(leaves: readonly string[]): string {
  if (leaves.length === 0) return hash("sha256", "", "hex");
  if (leaves.length === 1) return leaves[0] as string;
  let middle = 1;
  while (middle * 2 < leaves.length) middle *= 2;
  return nodeHash(defined(leaves.slice(0, middle)), defined(leaves.slice(middle)));
}

describe("the Merkle tree", () => {
  it("has the roots of the test vectors of RFC 6962's reference implementation", () => {
    const bodies = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const leaves = bodies.map((body) => hash("sha256", Buffer.from(`00${body}`, "hex"), "hex"));
    assert.equal(rootOf([]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert.equal(rootOf(leaves.slice(0, 1)), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert.equal(rootOf(leaves.slice(0, 2)), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    assert.equal(rootOf(leaves.slice(0, 3)), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
    assert.equal(rootOf(leaves), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
  });

  it("grows from its frontier to the root that the definition gives", () => {
    let tree = new GrowingTree();
    const leaves = leavesOf(130);
    for (const [i, leaf] of leaves.entries()) {
      tree.append(leaf);
      assert.equal(tree.root(), defined(leaves.slice(0, i + 1)), `at ${i + 1} leaves`);
      if (i % 7 === 0) tree = new GrowingTree({ size: tree.size, frontier: tree.frontier });
    }
    assert.throws(() => new GrowingTree({ size: 3, frontier: [] }), /2 full subtrees/);
  });

  it("proves that a leaf is in it, for every leaf of every small tree, and nothing else", () => {
    for (let size = 1; size <= 17; size++) {
      const leaves = leavesOf(size);
      const root = rootOf(leaves);
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(leaves, index);
        const leaf = leaves[index] as string;
        assert.equal(verifyInclusion({ leaf, index, size, proof, root }), true, `${index} of ${size}`);
        assert.equal(verifyInclusion({ leaf: leafHash("other"), index, size, proof, root }), false);
        assert.equal(verifyInclusion({ leaf, index: size, size, proof, root }), false);
        assert.equal(verifyInclusion({ leaf, index, size, proof: [...proof, root], root }), false);
        if (size > 1) assert.equal(verifyInclusion({ leaf, index: (index + 1) % size, size, proof, root }), false);
      }
    }
  });

  it("proves that one tree is the beginning of another, for every pair of small trees, and nothing else", () => {
    for (let second = 1; second <= 17; second++) {
      const leaves = leavesOf(second);
      for (let first = 0; first <= second; first++) {
        const proof = consistencyProof(leaves, first);
        const claim = {
          firstSize: first,
          firstRoot: rootOf(leaves.slice(0, first)),
          secondSize: second,
          secondRoot: rootOf(leaves),
          proof,
        };
        assert.equal(verifyConsistency(claim), true, `${first} in ${second}`);
        assert.equal(verifyConsistency({ ...claim, secondRoot: leafHash("other") }), first === 0);
        if (first > 0) assert.equal(verifyConsistency({ ...claim, firstRoot: leafHash("other") }), false);
        if (proof.length > 0) assert.equal(verifyConsistency({ ...claim, proof: proof.slice(1) }), false);
      }
    }
  });
});
