import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matchTopic } from "./match-topic.ts";
import { SubscriptionTree } from "./subscription-tree.ts";
import { parseSharedFilter, validateTopicFilter, validateTopicName } from "./topic-filter.ts";

const word = fc.constantFrom("a", "b", "", "$s", "sport");
const topicNames = fc.array(word, { minLength: 1, maxLength: 5 }).map((levels) => levels.join("/"));
const filters = fc
  .tuple(fc.array(fc.oneof(word, fc.constant("+")), { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open ? ["#"] : [])].join("/"));

/** §4.7 word by word, by recursion over the levels. */
function naiveMatch(filter: readonly string[], topic: readonly string[]): boolean {
  const [level, ...rest] = filter;
  if (level === "#") return true;
  if (level === undefined || topic.length === 0) return level === undefined && topic.length === 0;
  return (level === "+" || level === topic[0]) && naiveMatch(rest, topic.slice(1));
}

function naive(filter: string, topic: string): boolean {
  if (/^[+#]/.test(filter) && topic.startsWith("$")) return false;
  return naiveMatch(filter.split("/"), topic.split("/"));
}

test("the specification's own examples match", () => {
  for (const topic of [
    "sport/tennis/player1",
    "sport/tennis/player1/ranking",
    "sport/tennis/player1/score/wimbledon",
  ]) {
    assert.ok(matchTopic("sport/tennis/player1/#", topic));
  }
  assert.ok(matchTopic("sport/#", "sport"));
  assert.ok(matchTopic("sport/+", "sport/"));
  assert.ok(!matchTopic("sport/+", "sport"));
  assert.ok(matchTopic("+/+", "/finance"));
  assert.ok(matchTopic("/+", "/finance"));
  assert.ok(!matchTopic("+", "/finance"));
  assert.ok(!matchTopic("#", "$SYS/x"));
  assert.ok(!matchTopic("+/monitor/Clients", "$SYS/monitor/Clients"));
  assert.ok(matchTopic("$SYS/#", "$SYS/x"));
});

test("the matcher agrees with the rules taken word by word", () => {
  fc.assert(
    fc.property(filters, topicNames, (filter, topic) => matchTopic(filter, topic) === naive(filter, topic)),
    {
      numRuns: 5_000,
    },
  );
});

test("the tree finds each subscription once for each filter that matches, through any adding and removing", () => {
  const change = fc.record({ add: fc.boolean(), filter: filters, value: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), topicNames, (changes, topic) => {
      const tree = new SubscriptionTree<number>();
      const kept = new Map<string, [filter: string, value: number]>();
      for (const { add, filter, value } of changes) {
        const key = `${filter} ${value}`;
        if (add) assert.equal(tree.add(filter, value), !kept.has(key));
        else assert.equal(tree.remove(filter, value), kept.has(key));
        if (add) kept.set(key, [filter, value]);
        else kept.delete(key);
      }
      const found: number[] = [];
      tree.match(topic, (value) => found.push(value));
      const expected = [...kept.values()].filter(([filter]) => naive(filter, topic)).map(([, value]) => value);
      assert.deepEqual(found.sort(), expected.sort());
      assert.equal(tree.size, kept.size);
    }),
    { numRuns: 1_000 },
  );
});

test("a tree from which all is removed keeps nothing of it", () => {
  const tree = new SubscriptionTree<number>();
  tree.add("a/+/#", 1);
  tree.add("a/b", 2);
  assert.equal(tree.nodes, 4);
  tree.remove("a/+/#", 1);
  assert.equal(tree.nodes, 2);
  tree.remove("a/b", 2);
  assert.deepEqual([tree.nodes, tree.size], [0, 0]);
  assert.equal(tree.remove("a/b", 2), false);
});

test("a name with as many levels as fit a string is matched without recursion", () => {
  const tree = new SubscriptionTree<number>();
  const deep = "/".repeat(65_535);
  tree.add(deep, 1);
  tree.add("#", 2);
  const found: number[] = [];
  tree.match(deep, (value) => found.push(value));
  assert.deepEqual(found.sort(), [1, 2]);
  assert.ok(tree.remove(deep, 1));
  assert.equal(tree.nodes, 1);
});

test("filters are valid or refused with the clause", () => {
  for (const good of ["#", "+", "a/#", "+/b/+", "/", "a//b", "$share/g/a/#", "$shared/x", "$aws/+"]) {
    assert.equal(validateTopicFilter(good), undefined, good);
  }
  for (const [bad, clause] of [
    ["", "MQTT-4.7.3-1"],
    ["a#", "MQTT-4.7.1-1"],
    ["#/a", "MQTT-4.7.1-1"],
    ["a+/b", "MQTT-4.7.1-2"],
    ["$share/g", "MQTT-4.8.2-1"],
    ["$share//a", "MQTT-4.8.2-1"],
    ["$share/+/a", "MQTT-4.8.2-1"],
    ["$share/g/", "MQTT-4.8.2-2"],
    ["$share/g/a#", "MQTT-4.7.1-1"],
  ] as const) {
    assert.equal(validateTopicFilter(bad)?.clause, clause, bad);
  }
});

test("names are valid or refused with the clause", () => {
  assert.equal(validateTopicName("a/b"), undefined);
  assert.equal(validateTopicName("")?.clause, "MQTT-4.7.3-1");
  assert.equal(validateTopicName("a/+")?.clause, "MQTT-3.3.2-2");
  assert.equal(validateTopicName("#")?.clause, "MQTT-3.3.2-2");
});

test("limits on bytes and levels hold for names and filters", () => {
  const limits = { bytes: 6, levels: 3 };
  assert.equal(validateTopicName("a/b/c", limits), undefined);
  assert.equal(validateTopicName("a/b/c/", limits)?.clause, "limit levels");
  assert.equal(validateTopicName("äöüß", limits)?.clause, "limit bytes");
  assert.equal(validateTopicFilter("+/+/+/#", limits)?.clause, "limit bytes");
});

test("a shared filter comes apart into group and filter", () => {
  assert.deepEqual(parseSharedFilter("$share/g/a/#"), { group: "g", filter: "a/#" });
  assert.equal(parseSharedFilter("a/$share/g"), undefined);
});
