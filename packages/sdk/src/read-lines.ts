/** The lines of a streamed answer as they come. A line is bounded, so that a server cannot fill our memory with one. */
export async function* readLines(response: Response): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LONGEST_LINE) throw new Error(`a line of the answer has more than ${LONGEST_LINE} characters`);
    yield* lines;
  }
  if (rest !== "") yield rest;
}

const LONGEST_LINE = 16 * 1024 * 1024;
