import type { Message } from "../../broker/ports.ts";

type Properties = Message["properties"];

/** Properties as JSON; correlation data, the one that is bytes, in base64. */
export function propertiesText(properties: Properties): string {
  const { correlationData, ...rest } = properties;
  if (correlationData === undefined) return JSON.stringify(rest);
  return JSON.stringify({ ...rest, correlationData: Buffer.from(correlationData).toString("base64") });
}

export function propertiesOf(text: string): Properties {
  const { correlationData, ...rest } = JSON.parse(text) as Omit<Properties, "correlationData"> & {
    correlationData?: string;
  };
  return correlationData === undefined
    ? rest
    : { ...rest, correlationData: new Uint8Array(Buffer.from(correlationData, "base64")) };
}
