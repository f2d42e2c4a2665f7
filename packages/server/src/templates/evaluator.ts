import { Fault } from "../kit/fault.ts";
import { type Call, CERTIFICATE_ID_PARAMETER, type Expression, type Template } from "./template.ts";
import { concatenate, fromDevice, isUnsafeInPolicy, split, type Text, trusted, type Value } from "./text.ts";

/** What a template is evaluated with. */
export interface EvaluationInput {
  /** As the device sent them. */
  readonly deviceParameters: ReadonlyMap<string, string>;
  /** The hook's, on top; trusted, because an operator wrote the hook, unless it hands on what the device sent. */
  readonly hookOverrides: ReadonlyMap<string, string>;
  /** The other text of the device's that a hook is told. */
  readonly clientId?: string | undefined;
  readonly certificateId: string;
  /** `AWS::IoT::Certificate::CommonName` and its kin, for just-in-time provisioning; device text like parameters. */
  readonly certificateParameters?: ReadonlyMap<string, string>;
}

/** One function with what went in and what came out, for `explain`. */
export interface CallStep {
  readonly path: string;
  readonly call: string;
  readonly inputs: readonly Value[];
  readonly value: Value;
}

/** Items of one list, and functions of one evaluation. */
const LIST_ITEMS = 1024;
const CALLS = 10_000;

/** Evaluates expressions of one template for one device. Typed throughout: a value never becomes syntax. */
export class Evaluator {
  readonly #template: Template;
  readonly #input: EvaluationInput;
  readonly #onCall: ((step: CallStep) => void) | undefined;
  /** Resources whose name is being evaluated, to find circles. */
  readonly #open = new Set<string>();
  /** Names of resources, each made once: references among them must not multiply the work. */
  readonly #names = new Map<string, Text>();
  #calls = 0;

  constructor(template: Template, input: EvaluationInput, onCall?: (step: CallStep) => void) {
    this.#template = template;
    this.#input = input;
    this.#onCall = onCall;
  }

  /** The text that an expression makes; anything else is a fault. */
  text(expression: Expression): Text {
    return this.#asText(this.value(expression), expression.path);
  }

  value(expression: Expression): Value {
    switch (expression.kind) {
      case "text":
        return trusted(expression.text);
      case "scalar":
        return { kind: "scalar", value: expression.value };
      case "list":
        return { kind: "list", items: expression.items.map((item) => this.value(item)) };
      case "object":
        return {
          kind: "object",
          members: new Map([...expression.members].map(([key, member]) => [key, this.value(member)])),
        };
      default:
        return this.#call(expression);
    }
  }

  /** The final value of a parameter: the hook's, the device's, or the default. */
  parameter(name: string): Text | undefined {
    const { hookOverrides, deviceParameters, certificateParameters } = this.#input;
    // A device cannot choose what it is called by its own certificate.
    if (name === CERTIFICATE_ID_PARAMETER) return trusted(this.#input.certificateId);
    const overridden = hookOverrides.get(name);
    if (overridden !== undefined) return this.#handsOn(overridden) ? fromDevice(overridden) : trusted(overridden);
    const sent = name.startsWith("AWS::") ? certificateParameters?.get(name) : deviceParameters.get(name);
    if (sent !== undefined) return fromDevice(sent);
    const fallback = this.#template.parameters.get(name)?.defaultValue;
    return fallback === undefined ? undefined : trusted(fallback);
  }

  /** Many hooks copy parameters into their overrides; what a device may not put into a policy, it may not launder there. */
  #handsOn(overridden: string): boolean {
    const { deviceParameters, clientId = "" } = this.#input;
    return [...deviceParameters.values(), clientId].some((sent) => isUnsafeInPolicy(sent) && overridden.includes(sent));
  }

  #call(call: Call): Value {
    this.#calls++;
    if (this.#calls > CALLS) fail(call.path, "the template calls too many functions");
    const inputs: Value[] = [];
    const value = this.#apply(call, (expression) => {
      const input = this.value(expression);
      inputs.push(input);
      return input;
    });
    this.#onCall?.({ path: call.path, call: describeCall(call), inputs, value });
    return value;
  }

  #apply(call: Call, value: (expression: Expression) => Value): Value {
    switch (call.kind) {
      case "Ref":
        return this.#resolve(call.name, call.path);
      case "Fn::Join":
        return this.#join(call, value);
      case "Fn::Split":
        return this.#split(call, value);
      case "Fn::Select":
        return this.#select(call, value);
      case "Fn::FindInMap":
        return this.#findInMap(call, value);
      case "Fn::Sub": {
        const parts = call.pieces.map((piece) => {
          if ("text" in piece) return trusted(piece.text);
          const own = call.values.get(piece.name);
          return own === undefined ? this.#resolve(piece.name, call.path) : this.#asText(value(own), own.path);
        });
        return joined(parts, call.path);
      }
    }
  }

  #join(call: Extract<Call, { kind: "Fn::Join" }>, value: (expression: Expression) => Value): Text {
    const delimiter = this.#asText(value(call.delimiter), call.delimiter.path);
    const items = this.#asList(value(call.values), call.values.path);
    const texts = items.flatMap((item, index) => {
      const text = this.#asText(item, `${call.values.path}/${index}`);
      return index === 0 ? [text] : [delimiter, text];
    });
    return joined(texts, call.path);
  }

  #split(call: Extract<Call, { kind: "Fn::Split" }>, value: (expression: Expression) => Value): Value {
    const delimiter = this.#asText(value(call.delimiter), call.delimiter.path).plain;
    const source = this.#asText(value(call.source), call.source.path);
    if (delimiter === "") fail(call.path, "Fn::Split has an empty delimiter");
    const items = split(source, delimiter);
    if (items.length > LIST_ITEMS)
      fail(call.path, `Fn::Split makes ${items.length} items; at most ${LIST_ITEMS} are allowed`);
    return { kind: "list", items };
  }

  #select(call: Extract<Call, { kind: "Fn::Select" }>, value: (expression: Expression) => Value): Value {
    const index = indexOf(value(call.index));
    const items = this.#asList(value(call.values), call.values.path);
    if (index === undefined) fail(call.index.path, "Fn::Select needs a whole number from 0 as its index");
    const item = items[index];
    if (item === undefined) fail(call.path, `Fn::Select asks for item ${index} of a list of ${items.length}`);
    if (item.kind === "scalar" && item.value === null) fail(call.path, `item ${index} of Fn::Select is null`);
    return item;
  }

  #findInMap(call: Extract<Call, { kind: "Fn::FindInMap" }>, value: (expression: Expression) => Value): Value {
    const [map, first, second] = call.keys.map((key) => this.#asText(value(key), key.path).plain) as [
      string,
      string,
      string,
    ];
    const found = this.#template.mappings.get(map)?.get(first)?.get(second);
    if (found === undefined) {
      fail(call.path, `there is no entry ${[map, first, second].map(quoted).join(" → ")} in Mappings`);
    }
    // What a device selects here was written by the template's author: it is trusted.
    return typeof found === "string" ? trusted(found) : { kind: "list", items: found.map(trusted) };
  }

  #resolve(name: string, path: string): Text {
    const found = this.parameter(name) ?? this.#resourceName(name, path);
    if (found !== undefined) return found;
    throw new Fault(
      "parameter_missing",
      `The template needs the parameter ${quoted(name)} (${path}) and the device did not send it.`,
    );
  }

  /** A Ref to a logical name stands for what the resource will be called. */
  #resourceName(logicalName: string, path: string): Text | undefined {
    const made = this.#names.get(logicalName);
    if (made !== undefined) return made;
    const { thing, certificate, policies } = this.#template;
    if (certificate.logicalName === logicalName) return trusted(this.#input.certificateId);
    const resource = [thing, ...policies].find((candidate) => candidate?.logicalName === logicalName);
    if (resource === undefined) return undefined;
    if (resource.name === undefined) fail(path, `${quoted(logicalName)} has a PolicyDocument and no name to refer to`);
    if (this.#open.has(logicalName)) fail(path, `${quoted(logicalName)} refers to itself`);
    this.#open.add(logicalName);
    const name = this.text(resource.name);
    this.#open.delete(logicalName);
    this.#names.set(logicalName, name);
    return name;
  }

  #asText(value: Value, path: string): Text {
    return value.kind === "text" ? value : fail(path, `text is needed here and there is ${describeValue(value)}`);
  }

  #asList(value: Value, path: string): readonly Value[] {
    return value.kind === "list"
      ? value.items
      : fail(path, `a list is needed here and there is ${describeValue(value)}`);
  }
}

export function fail(path: string, sentence: string): never {
  throw new Fault("template_evaluation_failed", `${path}: ${sentence}.`);
}

/** Text in a sentence: short, and with nothing that a terminal obeys. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

export function describeValue(value: Value): string {
  if (value.kind === "scalar") return value.value === null ? "null" : `a ${typeof value.value}`;
  return value.kind === "text" ? "text" : value.kind === "list" ? "a list" : "an object";
}

function joined(texts: readonly Text[], path: string): Text {
  try {
    return concatenate(texts);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail(path, error.message);
  }
}

/** AWS writes the index as text; a number is taken too. */
function indexOf(value: Value): number | undefined {
  const written = value.kind === "text" ? value.plain : value.kind === "scalar" ? String(value.value) : "";
  return /^(0|[1-9]\d{0,5})$/.test(written) ? Number(written) : undefined;
}

function describeCall(call: Call): string {
  return call.kind === "Ref" ? `Ref ${call.name}` : call.kind;
}
