import type { TemplateRecord } from "../../enrollment/ports.ts";
import { DEFAULT_TEMPLATE_SETTINGS } from "../../templates/plan.ts";
import type { TemplateName } from "../../vocabulary/ids.ts";
import type { TemplateRows } from "../rows.ts";
import { Table, type UndoLog, UndoMap } from "./undo.ts";

type Template = Omit<TemplateRecord, "enabled"> & { readonly id: number };

export function templateRows(log: UndoLog): TemplateRows {
  const table = new Table<Template>(log);
  const byName = new UndoMap<TemplateName, number>(log);
  const find = (name: TemplateName) => table.get(byName.get(name) ?? 0);
  const versionsOf = (row: number) => table.get(row)?.versions ?? [];
  return {
    templateRow(name) {
      const row = find(name);
      return row && { id: row.id, name, enabled: row.settings.enabled, defaultVersion: row.defaultVersion };
    },
    template(name) {
      const row = find(name);
      if (row === undefined) return undefined;
      const { id: _id, ...record } = row;
      return { ...record, enabled: row.settings.enabled };
    },
    templateNames: () => byName.keys().sort(),
    insertTemplate(name) {
      const blank = { defaultVersion: 0, settings: DEFAULT_TEMPLATE_SETTINGS, hook: undefined, versions: [] };
      const id = table.insert({ name, ...blank });
      byName.set(name, id);
      return id;
    },
    updateTemplate: (row, { defaultVersion, settings, hook }) => table.update(row, { defaultVersion, settings, hook }),
    insertTemplateVersion: (row, version, createdAtMs, body) =>
      table.update(row, { versions: [...versionsOf(row), { version, createdAtMs, body }] }),
    deleteTemplateVersion: (row, version) =>
      table.update(row, { versions: versionsOf(row).filter((kept) => kept.version !== version) }),
  };
}
