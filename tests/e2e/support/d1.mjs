// Looks into the local D1 of a state folder from outside, to see what is stored and what is not.

import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const databases = (state) =>
  globSync(join(state, "v3/d1/**/*.sqlite")).filter((file) => !file.endsWith("metadata.sqlite"));

const asText = (value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value));

/** Every row of every table as text, one line a row: `table column=value ...`. */
export function dump(state) {
  const lines = [];
  for (const file of databases(state)) {
    const database = new DatabaseSync(file, { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    for (const { name } of tables) {
      for (const row of database.prepare(`SELECT * FROM "${name}"`).all()) {
        const columns = Object.entries(row).map(([column, value]) => `${column}=${asText(value)}`);
        lines.push(`${name} ${columns.join(" ")}`);
      }
    }
    database.close();
  }
  return lines.join("\n");
}

/** The rows that `sql` selects from the one database of a state folder. */
export function select(state, sql, ...parameters) {
  const [file, ...others] = databases(state);
  if (!file || others.length) throw new Error(`expected one D1 database under ${state}`);
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all(...parameters);
  } finally {
    database.close();
  }
}
