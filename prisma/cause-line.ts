/** What a failure says, in one line: for messages to people. */
export function causeLine(cause: unknown): string {
  const message = isFailure(cause) ? cause.message : String(cause);
  return message.split("\n", 1).join("");
}

/** By shape: an error of another realm, as Node's own modules throw them under a test runner, is no instance of Error. */
function isFailure(cause: unknown): cause is { readonly message: string } {
  return typeof cause === "object" && cause !== null && "message" in cause && typeof cause.message === "string";
}
