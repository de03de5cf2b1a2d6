/**
 * `npm run check:members`: methods and fields of classes, and methods of interfaces, whose name the product never says but where it
 * declares them. What is there for tests or benchmarks alone says so in its comment: "for tests", "for benchmarks".
 */
import ts from "typescript";
import { isProduct, lineAt, nodesOf, type OwnSource, ownProgram } from "./program.ts";

type Member = ts.ClassElement | ts.TypeElement;

/** Fields of interfaces are left out: what is written to the wire is read by others. */
function membersOf({ file }: OwnSource): readonly Member[] {
  return [...nodesOf(file)].flatMap((node): readonly Member[] => {
    if (ts.isClassDeclaration(node)) return node.members;
    return ts.isInterfaceDeclaration(node) ? node.members.filter(isMethod) : [];
  });
}

function isMethod(member: ts.TypeElement): boolean {
  return (
    ts.isMethodSignature(member) || (ts.isPropertySignature(member) && member.type?.kind === ts.SyntaxKind.FunctionType)
  );
}

/** Every name that is read, called, destructured or named in a string (`Pick<Store, "read">` names what is used elsewhere). */
function saidNames(sources: readonly OwnSource[]): ReadonlySet<string> {
  const said = new Set<string>();
  for (const { file } of sources) {
    for (const node of nodesOf(file)) {
      if (ts.isPropertyAccessExpression(node)) said.add(node.name.text);
      else if (ts.isBindingElement(node)) said.add((node.propertyName ?? node.name).getText(file));
      else if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression))
        said.add(node.argumentExpression.text);
    }
  }
  return said;
}

/** What the language or a library calls by itself. */
const calledByOthers: ReadonlySet<string> = new Set(["isForPeople", "constructor"]);

function unusedIn(source: OwnSource, said: ReadonlySet<string>): readonly string[] {
  const { path, file } = source;
  return membersOf(source).flatMap((member) => {
    const { name } = member;
    if (name === undefined || !ts.isIdentifier(name) || said.has(name.text) || calledByOthers.has(name.text)) return [];
    const comment = file.text.slice(member.getFullStart(), member.getStart(file));
    return /for (?:tests|benchmarks)/.test(comment) ? [] : [`${path}:${lineAt(file, member)} ${name.text}`];
  });
}

const product = ownProgram().sources.filter(isProduct);
const said = saidNames(product);
const unused = product.flatMap((source) => unusedIn(source, said));
for (const line of unused) console.log(`✘ nothing uses ${line}`);
if (unused.length > 0) process.exitCode = 1;
else console.log("✔ every member is used");
