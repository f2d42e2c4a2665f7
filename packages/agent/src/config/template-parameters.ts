// Limits of RegisterThing's parameters, as AWS documents them for its template parameters.
const MAX_KEY = 2048;
const MAX_VALUE = 4096;
const MAX_PARAMETERS = 100;

/** The vendor's file has a JSON object inside a text; a plain object is accepted as well. */
export function readTemplateParameters(value: unknown, problems: string[]): Readonly<Record<string, string>> {
  const decoded = typeof value === "string" ? decode(value, problems) : value;
  if (decoded === undefined) return {};
  if (typeof decoded !== "object" || decoded === null || Array.isArray(decoded)) {
    problems.push('must be an object of texts, for example {"SerialNumber": "A-1"}');
    return {};
  }
  const entries = Object.entries(decoded);
  if (entries.length > MAX_PARAMETERS)
    problems.push(`has ${entries.length} entries; at most ${MAX_PARAMETERS} are sent`);
  for (const [key, text] of entries) checkEntry(key, text, problems);
  return Object.fromEntries(entries) as Record<string, string>;
}

function decode(text: string, problems: string[]): unknown {
  if (text === "" || /^<replace_with_.*>$/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    problems.push('is a text that does not hold JSON; write an object, for example {"SerialNumber": "A-1"}');
    return undefined;
  }
}

function checkEntry(key: string, text: unknown, problems: string[]): void {
  if (typeof text !== "string") problems.push(`has "${key}" that is not a text; write it between quotation marks`);
  else if (key.length > MAX_KEY || text.length > MAX_VALUE) problems.push(`has "${key.slice(0, 40)}" that is too long`);
}
