/** Label and field selectors: parsed once for a request, asked for every object. */
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { member } from "./json.ts";
import type { Kind } from "./kinds.ts";
import { badRequest } from "./status.ts";

export type ObjectFilter = (object: KubernetesObject) => boolean;

/** More than people write, less than would hold the server up. */
const maxSelectorLength = 16_384;

/** The filter of a label selector such as `a=b,c in (x,y),!d`. Throws 400. */
export function labelFilter(selector: string): ObjectFilter {
  const requirements = splitRequirements(bounded(selector)).map(parseRequirement);
  return (object) => requirements.every((holds) => holds(object.metadata.labels ?? {}));
}

/** The filter of a field selector such as `metadata.name=x,spec.y!=z`. Throws 400 for fields that cannot be selected by. */
export function fieldFilter(selector: string, kind: Kind): ObjectFilter {
  const terms = bounded(selector)
    .split(/(?<!\\),/)
    .filter((term) => term !== "");
  const requirements = terms.map((term) => parseField(term, kind));
  return (object) => requirements.every((holds) => holds(object));
}

function bounded(selector: string): string {
  if (selector.length <= maxSelectorLength) return selector;
  throw badRequest(`a selector may have at most ${String(maxSelectorLength)} characters`);
}

type Labels = Readonly<Record<string, string>>;

/** Splits at commas outside of parentheses. */
function splitRequirements(selector: string): readonly string[] {
  const parts = selector.match(/(?:[^,(]|\([^)]*\)?)+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

const key = "[A-Za-z0-9][-A-Za-z0-9_./]*";
const setForm = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const equalForm = new RegExp(`^(${key})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const orderForm = new RegExp(`^(${key})\\s*([<>])\\s*(-?[0-9]+)$`);
const existsForm = new RegExp(`^(!?)\\s*(${key})$`);

function parseRequirement(text: string): (labels: Labels) => boolean {
  const set = setForm.exec(text);
  if (set !== null)
    return ofSet(
      set[1] ?? "",
      set[2] === "in",
      (set[3] ?? "").split(",").map((value) => value.trim()),
    );
  const equal = equalForm.exec(text);
  if (equal !== null) return ofSet(equal[1] ?? "", equal[2] !== "!=", [equal[3] ?? ""]);
  const order = orderForm.exec(text);
  if (order !== null) return ofOrder(order[1] ?? "", order[2] === "<", Number(order[3]));
  const exists = existsForm.exec(text);
  if (exists !== null) return (labels) => Object.hasOwn(labels, exists[2] ?? "") === (exists[1] === "");
  throw badRequest(problemOf(text));
}

function problemOf(text: string): string {
  const first = /^(==|!=|=|<|>|\(|\))/.exec(text)?.[1];
  return first === undefined
    ? `unable to parse requirement: invalid requirement ${JSON.stringify(text)}`
    : `found '${first}', expected: !, identifier, or 'end of string'`;
}

/** `!=` and `notin` hold for objects without the label, too. */
function ofSet(name: string, wanted: boolean, values: readonly string[]): (labels: Labels) => boolean {
  return (labels) => {
    const value = Object.hasOwn(labels, name) ? labels[name] : undefined;
    return (value !== undefined && values.includes(value)) === wanted;
  };
}

function ofOrder(name: string, less: boolean, bound: number): (labels: Labels) => boolean {
  return (labels) => {
    const value = Object.hasOwn(labels, name) ? labels[name] : undefined;
    if (value === undefined || !/^-?[0-9]+$/.test(value)) return false;
    return less ? Number(value) < bound : Number(value) > bound;
  };
}

function parseField(term: string, kind: Kind): (object: KubernetesObject) => boolean {
  const parts = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
  if (parts === null) throw badRequest(`invalid field selector: '${term}'; can't understand '${term}'`);
  const [, name = "", operator, raw = ""] = parts;
  if (!isSelectable(name, kind)) throw badRequest(`field label not supported: ${name}`);
  const wanted = raw.replaceAll(/\\([,=\\])/g, "$1");
  const path = name === "source" ? ["source", "component"] : name.split(".");
  return (object) => (shown(member(object, path)) === wanted) === (operator !== "!=");
}

function isSelectable(name: string, kind: Kind): boolean {
  if (name === "metadata.name") return true;
  return (name === "metadata.namespace" && kind.type.namespaced) || kind.selectableFields.includes(name);
}

function shown(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
