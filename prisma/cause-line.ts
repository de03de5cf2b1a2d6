/** What a failure says, in one line: for messages to people. */
export function causeLine(cause: unknown): string {
  return wordsOf(cause).split("\n", 1).join("");
}

/** By shape: an error of another realm, as Node's own modules throw them under a test runner, is no instance of Error. */
function isFailure(cause: unknown): cause is { readonly message: string } {
  return typeof cause === "object" && cause !== null && "message" in cause && typeof cause.message === "string";
}

/** What an embedded server throws of its files has a number and no words. */
function wordsOf(cause: unknown): string {
  if (isFailure(cause)) return cause.message;
  if (typeof cause !== "object" || cause === null) return String(cause);
  return "errno" in cause && typeof cause.errno === "number" ? `error ${cause.errno}` : JSON.stringify(cause);
}
