/** `npm run check:size`: how large functions and files are, and how often a type is asserted. Fails above a budget. */
import ts from "typescript";
import { isProduct, lineAt, linesOf, nodesOf, type OwnSource, ownProgram } from "./program.ts";

/** Something of ours, and how many lines it has. */
interface Sized {
  readonly where: string;
  readonly lines: number;
}

interface Measure {
  readonly what: string;
  readonly value: number;
  readonly budget: number;
  /** What to look at where it is above its budget. */
  readonly worst: readonly string[];
}

const mostShown = 10;

/** Functions, methods, constructors and accessors: what has a name of its own. */
function functionsOf({ path, file }: OwnSource): readonly Sized[] {
  return [...nodesOf(file)].flatMap((node) => {
    const named = ts.isFunctionDeclaration(node) || ts.isClassElement(node);
    if (!named || !ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return [];
    return [{ where: `${path} ${node.name?.getText(file) ?? "constructor"}`, lines: linesOf(file, node) }];
  });
}

/** `as` of anything but `const`, each with its place. */
function castsOf({ path, file }: OwnSource): readonly string[] {
  return [...nodesOf(file)]
    .filter(ts.isAsExpression)
    .filter(({ type }) => type.getText(file) !== "const")
    .map((node) => `${path}:${lineAt(file, node)} as ${node.type.getText(file)}`);
}

function anysOf({ path, file }: OwnSource): readonly string[] {
  const anys = [...nodesOf(file)].filter(({ kind }) => kind === ts.SyntaxKind.AnyKeyword);
  return anys.map((node) => `${path}:${lineAt(file, node)}`);
}

/** The share of all is no larger; a half is the median. */
function quantileOf(all: readonly Sized[], share: number): number {
  const sorted = all.map(({ lines }) => lines).sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function sizes(
  what: string,
  all: readonly Sized[],
  { share, budget }: { readonly share: number; readonly budget: number },
) {
  const longest = [...all].sort((a, b) => b.lines - a.lines).filter(({ lines }) => lines > budget);
  const worst = longest.map(({ where, lines }) => `${lines} lines: ${where}`);
  return { what, value: quantileOf(all, share), budget, worst };
}

/** Functions and casts of what users run; files of all but tests, which may be as long as what they tell. */
function measures(): readonly Measure[] {
  const { sources } = ownProgram();
  const untested = sources.filter(({ path }) => !path.startsWith("test/"));
  const product = sources.filter(isProduct);
  const files = untested.map(({ path, file }) => ({ where: path, lines: linesOf(file, file) }));
  const functions = product.flatMap(functionsOf);
  const casts = product.flatMap(castsOf);
  const anys = sources.flatMap(anysOf);
  const thousands = product.reduce((sum, { file }) => sum + linesOf(file, file), 0) / 1_000;
  return [
    sizes("lines of a function: half of them", functions, { share: 0.5, budget: 6 }),
    sizes("lines of a function: 90 % of them", functions, { share: 0.9, budget: 15 }),
    sizes("lines of the longest function", functions, { share: 1, budget: 40 }),
    sizes("lines of a file: 90 % of them", files, { share: 0.9, budget: 200 }),
    sizes("lines of the longest file", files, { share: 1, budget: 320 }),
    { what: "uses of any", value: anys.length, budget: 0, worst: anys },
    { what: "casts in 1,000 lines", value: casts.length / thousands, budget: 2.7, worst: casts },
  ];
}

for (const { what, value, budget, worst } of measures()) {
  const over = value > budget;
  console.log(`${over ? "✘" : "✔"} ${what}: ${Number(value.toFixed(2))} (at most ${budget})`);
  if (!over) continue;
  process.exitCode = 1;
  for (const line of worst.slice(0, mostShown)) console.log(`    ${line}`);
}
