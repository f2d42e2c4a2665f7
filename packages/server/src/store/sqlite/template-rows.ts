import type { TemplateRecord } from "../../enrollment/ports.ts";
import type { HookConfig } from "../../hooks/ports.ts";
import type { TemplateName } from "../../vocabulary/ids.ts";
import type { TemplateRow, TemplateRows } from "../rows.ts";
import type { Sealer } from "./sealer.ts";
import type { Sql } from "./sql.ts";

interface SqlTemplate {
  id: number;
  name: TemplateName;
  enabled: number;
  default_version: number;
  settings: string;
  hook: string | null;
}

interface SqlVersion {
  version: number;
  created_at: number;
  body: string;
}

export function templateRows(sql: Sql, sealer: Sealer): TemplateRows {
  return { ...reading(sql, sealer), ...writing(sql, sealer) };
}

function reading(sql: Sql, sealer: Sealer): Pick<TemplateRows, "templateRow" | "template" | "templateNames"> {
  const head = sql.query<SqlTemplate>("SELECT id, name, enabled, default_version FROM templates WHERE name = ?");
  const full = sql.query<SqlTemplate>(
    "SELECT id, name, enabled, default_version, settings, hook FROM templates WHERE name = ?",
  );
  const names = sql.query<{ name: TemplateName }>("SELECT name FROM templates ORDER BY name");
  const versions = sql.query<SqlVersion>(
    "SELECT version, created_at, body FROM template_versions WHERE template = ? ORDER BY version",
  );
  return {
    templateRow(name) {
      const row = head.get(name);
      return row && headOf(row);
    },
    template(name) {
      const row = full.get(name);
      return row && recordOf(row, versions.all(row.id), sealer);
    },
    templateNames: () => names.all().map((row) => row.name),
  };
}

function headOf(row: SqlTemplate): TemplateRow {
  return { id: row.id, name: row.name, enabled: row.enabled === 1, defaultVersion: row.default_version };
}

function recordOf(row: SqlTemplate, versions: readonly SqlVersion[], sealer: Sealer): TemplateRecord {
  return {
    name: row.name,
    enabled: row.enabled === 1,
    defaultVersion: row.default_version,
    settings: JSON.parse(row.settings),
    hook: row.hook === null ? undefined : openHook(JSON.parse(row.hook), sealer),
    versions: versions.map(({ version, created_at, body }) => ({ version, createdAtMs: created_at, body })),
  };
}

type Writing = "insertTemplate" | "updateTemplate" | "insertTemplateVersion" | "deleteTemplateVersion";

function writing(sql: Sql, sealer: Sealer): Pick<TemplateRows, Writing> {
  const insert = sql.command("INSERT INTO templates (name, enabled, default_version, settings) VALUES (?, 0, 0, '{}')");
  const update = sql.command(
    "UPDATE templates SET enabled = ?2, default_version = ?3, settings = ?4, hook = ?5 WHERE id = ?1",
  );
  const insertVersion = sql.command(
    "INSERT INTO template_versions (template, version, created_at, body) VALUES (?, ?, ?, ?)",
  );
  const deleteVersion = sql.command("DELETE FROM template_versions WHERE template = ? AND version = ?");
  return {
    insertTemplate: (name) => insert.insert(name),
    updateTemplate(row, { defaultVersion, settings, hook }) {
      const sealed = hook === undefined ? null : JSON.stringify(sealHook(hook, sealer));
      update.run(row, Number(settings.enabled), defaultVersion, JSON.stringify(settings), sealed);
    },
    insertTemplateVersion: (row, version, atMs, body) => void insertVersion.run(row, version, atMs, body),
    deleteTemplateVersion: (row, version) => void deleteVersion.run(row, version),
  };
}

function sealHook(hook: HookConfig, sealer: Sealer): HookConfig {
  return hook.kind === "webhook" ? { ...hook, secret: sealer.seal(hook.secret) } : hook;
}

function openHook(hook: HookConfig, sealer: Sealer): HookConfig {
  return hook.kind === "webhook" ? { ...hook, secret: sealer.open(hook.secret) } : hook;
}
