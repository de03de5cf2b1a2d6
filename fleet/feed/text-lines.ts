/** Splits a stream of bytes into lines of text. */

/** A report with every list full is a quarter of this. */
const longestLine = 4 * 1_024 * 1_024;

/** Each line without its end; what follows the last line feed was cut off and is dropped. */
export async function* readLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestLine) throw new Error(`a line is longer than ${longestLine} characters`);
    yield* lines;
  }
}
