/** Patches as bodies of requests: JSON merge patch and JSON patch. */
import jsonPatch from "fast-json-patch";
import type { Operation } from "fast-json-patch";
import { isList, isObject, jsonCopy } from "./json.ts";
import { mergePatch } from "./merge-patch.ts";
import { StatusError, badRequest } from "./status.ts";

export type Patch =
  | { readonly kind: "Merge"; readonly body: unknown }
  /** RFC 6902: a list of operations. */
  | { readonly kind: "Json"; readonly body: unknown };

/** The object with the patch applied. Throws 400 for a body of the wrong shape, 422 for operations that cannot be done. */
export function applyPatch(object: unknown, patch: Patch): unknown {
  if (patch.kind === "Merge") {
    if (!isObject(patch.body))
      throw badRequest(
        "error decoding patch: json: cannot unmarshal a value that is no object into Go value of type map[string]interface {}",
      );
    return mergePatch(object, patch.body);
  }
  if (!isList(patch.body) || !patch.body.every(isObject)) {
    throw badRequest(
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
  }
  return appliedOperations(object, patch.body as unknown as readonly Operation[]);
}

const maxOperations = 10_000;

function appliedOperations(object: unknown, operations: readonly Operation[]): unknown {
  if (operations.length > maxOperations) {
    const message = `The allowed maximum operations in a JSON patch is ${String(maxOperations)}, got ${String(operations.length)}`;
    throw new StatusError(413, "RequestEntityTooLarge", message);
  }
  const copied = { bytes: 0 };
  try {
    return (jsonCopy(operations) as Operation[]).reduce<unknown>((document, operation) => {
      boundCopies(document, operation, copied);
      return jsonPatch.applyOperation(document, lenient(document, operation), true).newDocument;
    }, jsonCopy(object));
  } catch (error) {
    if (error instanceof StatusError) throw error;
    // The library's reason is not shown by the real server either.
    throw new StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {});
  }
}

/** What the copies of one patch may add up to, as in the real server: a field copied into itself doubles with each. */
const mostCopiedBytes = 3 * 1024 * 1024;

function boundCopies(document: unknown, operation: Operation, copied: { bytes: number }): void {
  if (operation.op !== "copy") return;
  const value: unknown = jsonPatch.getValueByPointer(document, operation.from);
  copied.bytes += value === undefined ? 0 : JSON.stringify(value).length;
  if (copied.bytes <= mostCopiedBytes) return;
  const message = `Unable to complete patch: accumulated copy size of ${String(copied.bytes)} exceeds the limit of ${String(mostCopiedBytes)}`;
  throw new StatusError(413, "RequestEntityTooLarge", message);
}

/** The real server lets an operation replace a member that an object does not have. */
function lenient(document: unknown, operation: Operation): Operation {
  const parent = operation.path.slice(0, Math.max(0, operation.path.lastIndexOf("/")));
  if (operation.op !== "replace" || operation.path === "") return operation;
  return isObject(jsonPatch.getValueByPointer(document, parent)) ? { ...operation, op: "add" } : operation;
}
