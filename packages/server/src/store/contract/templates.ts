import assert from "node:assert/strict";
import { it } from "node:test";
import { DEFAULT_TEMPLATE_SETTINGS } from "../../templates/plan.ts";
import { Fixture, type MakeStore, TEMPLATE, templateName } from "./fixture.ts";
import { refused } from "./refused.ts";

export function templateContract(make: MakeStore): void {
  it("creates a template with default settings, and needs a body for that", async () => {
    const fixture = await Fixture.open(make);
    const audit = fixture.audit("template.applied", TEMPLATE);
    const bodiless = {
      name: TEMPLATE,
      body: undefined,
      settings: undefined,
      hook: undefined,
      nowMs: fixture.nowMs,
      audit,
    };
    await refused(fixture.store.applyTemplate(bodiless), "not_found");
    assert.deepEqual(await fixture.applyTemplate(TEMPLATE, "{}"), { version: 1, changed: true });
    const template = await fixture.store.template(TEMPLATE);
    assert.deepEqual(template, {
      name: TEMPLATE,
      enabled: true,
      defaultVersion: 1,
      settings: DEFAULT_TEMPLATE_SETTINGS,
      hook: undefined,
      versions: [{ version: 1, createdAtMs: fixture.nowMs, body: "{}" }],
    });
    assert.equal(await fixture.store.template(templateName("none")), undefined);
  });

  it("keeps the newest versions; what is equal changes nothing", async () => {
    const fixture = await Fixture.open(make);
    for (const body of ["1", "2", "3", "4", "5", "6", "7"]) await fixture.applyTemplate(TEMPLATE, body);
    const entries = await fixture.store.entryCount();
    assert.deepEqual(await fixture.applyTemplate(TEMPLATE, "7"), { version: 7, changed: false });
    assert.equal(await fixture.store.entryCount(), entries);
    const template = await fixture.store.template(TEMPLATE);
    assert.deepEqual(
      template?.versions.map((version) => version.version),
      [3, 4, 5, 6, 7],
    );
    assert.deepEqual(
      (await fixture.store.templates()).map((row) => row.name),
      [TEMPLATE],
    );
  });

  it("replaces settings and hook where they are given, and removes the hook on null", async () => {
    const fixture = await Fixture.open(make);
    const apply = (change: object) =>
      fixture.store.applyTemplate({
        name: TEMPLATE,
        body: undefined,
        settings: undefined,
        hook: undefined,
        nowMs: fixture.nowMs,
        audit: fixture.audit("template.applied", TEMPLATE),
        ...change,
      });
    const hook = { kind: "webhook" as const, url: "https://hook.example/", secret: "a secret of the hook" };
    await apply({ body: "{}", hook });
    const settings = { ...DEFAULT_TEMPLATE_SETTINGS, enabled: false, certificateDays: 30 };
    assert.deepEqual(await apply({ settings }), { version: 1, changed: true });
    const template = await fixture.store.template(TEMPLATE);
    assert.deepEqual([template?.hook, template?.enabled, template?.settings.certificateDays], [hook, false, 30]);
    await apply({ hook: null });
    assert.equal((await fixture.store.template(TEMPLATE))?.hook, undefined);
  });
}
