/**
 * Classes as functions that return objects, since minifiers shorten the names of variables and not
 * `this.name`: what only a class itself uses becomes a variable of its function.
 *
 * A class that extends another, or has something static, stays one.
 */

import ts from "typescript";

const SELF = "_self";

/**
 * The sources with their classes as functions.
 *
 * @param {ts.Program} program In which members have names that nothing else has.
 * @param {string[]} files
 * @returns {Map<string, string>}
 */
export function closeClasses(program, files, ours) {
  const checker = program.getTypeChecker();
  return new Map(
    files.map((file) => {
      const source = program.getSourceFile(file);
      return [file, new Writer(checker, source, ours).write(source)];
    }),
  );
}

/** Whether a class is written as a function. */
function isClosed(node) {
  return (
    ts.isClassDeclaration(node) &&
    !node.heritageClauses?.some(({ token }) => token === ts.SyntaxKind.ExtendsKeyword) &&
    !node.members.some((member) => has(member, ts.SyntaxKind.StaticKeyword))
  );
}

/** Writes the text of nodes, with classes in them as functions. */
class Writer {
  constructor(checker, source, ours) {
    this.ours = ours;
    this.checker = checker;
    this.source = source;
    /** Of the class that is being written, by name. */
    this.members = new Map();
  }

  write(node) {
    const edits = [];
    const visit = (child) => {
      const text = this.rewrite(child);
      if (text === undefined) ts.forEachChild(child, visit);
      else edits.push([child.getStart(), child.end, text]);
    };
    visit(node);
    let text = "";
    let at = node.getStart();
    for (const [start, end, replacement] of edits) {
      text += this.source.text.slice(at, start) + replacement;
      at = end;
    }
    return text + this.source.text.slice(at, node.end);
  }

  /** What is written in place of a node; undefined if that is decided for each of its children. */
  rewrite(node) {
    if (this.isClosed(node)) return this.writeClass(node);
    if (ts.isNewExpression(node) && this.makesClosed(node)) {
      const args = (node.arguments ?? []).map((one) => this.write(one));
      return `${node.expression.text}(${args.join(", ")})`;
    }
    if (this.members.size === 0) return undefined;
    this.refuseOthers(node);
    if (ts.isPropertyAccessExpression(node) && node.expression.kind === ts.SyntaxKind.ThisKeyword)
      return this.readMember(node.name.text);
    if (ts.isVariableDeclaration(node) && node.initializer?.kind === ts.SyntaxKind.ThisKeyword)
      return node.name.elements
        .map(
          ({ name, propertyName }) =>
            `${name.text} = ${this.readMember((propertyName ?? name).text)}`,
        )
        .join(", ");
    if (node.kind === ts.SyntaxKind.ThisKeyword) return SELF;
    return undefined;
  }

  isClosed(node) {
    return isClosed(node) && this.ours.includes(node.getSourceFile().fileName);
  }

  makesClosed({ expression }) {
    if (!ts.isIdentifier(expression)) return false;
    let symbol = this.checker.getSymbolAtLocation(expression);
    if (symbol && symbol.flags & ts.SymbolFlags.Alias)
      symbol = this.checker.getAliasedSymbol(symbol);
    return symbol?.declarations?.some((one) => this.isClosed(one)) ?? false;
  }

  readMember(name) {
    const { isState, isGetter } = this.members.get(name);
    if (isState) return `${SELF}.${name}`;
    return isGetter ? `${name}()` : name;
  }

  writeClass(node) {
    const maker = node.members.find(ts.isConstructorDeclaration);
    const params = maker?.parameters ?? [];
    this.refuseCapture(node, params);
    const named = [
      ...params.filter((one) => one.modifiers),
      ...node.members.filter((one) => one.name),
    ];
    const usesSelf = named.some(isChanged) || passesThis(node);
    this.members = new Map(named.map((one) => [one.name.text, describe(one, usesSelf)]));
    const used = membersUsed(node);
    const functions = [];
    const shared = [];
    const fields = [];
    for (const param of params) {
      const name = param.name.text;
      const { isPrivate, isState } = this.members.get(name) ?? { isPrivate: true };
      if (isState) fields.push(`${SELF}.${name} = ${name};`);
      else if (!isPrivate) shared.push(name);
    }
    for (const member of node.members) {
      if (ts.isConstructorDeclaration(member)) continue;
      const name = member.name.text;
      const { isPrivate, isGetter, isState } = this.members.get(name);
      if (ts.isMethodDeclaration(member) || isGetter) {
        const isUsed = used.has(name);
        if (isUsed) functions.push(`${name} = ${this.writeFunction(member)}`);
        if (isPrivate) continue;
        if (isGetter)
          shared.push(
            `get ${name}() ${isUsed ? `{ return ${name}(); }` : this.write(member.body)}`,
          );
        else shared.push(isUsed ? name : `${name}: ${this.writeFunction(member)}`);
      } else {
        const value = member.initializer && this.write(member.initializer);
        if (isState) fields.push(`${SELF}.${name} = ${value};`);
        else fields.push(value ? `var ${name} = ${value};` : `var ${name};`);
        if (!isPrivate && !isState) shared.push(name);
      }
    }
    const body = maker ? this.write(maker.body) : "";
    const heads = params.map((param) => this.writeParameter(param));
    this.members = new Map();
    const made = `{ ${shared.join(", ")} }`;
    if (usesSelf) functions.push(`${SELF} = ${made}`);
    return [
      has(node, ts.SyntaxKind.ExportKeyword) ? "export " : "",
      `const ${node.name.text} = (${heads.join(", ")}) => {`,
      functions.length > 0 ? `const ${functions.join(",\n")};` : "",
      ...fields,
      body,
      `return ${usesSelf ? SELF : made};`,
      "};",
    ].join("\n");
  }

  /** Variables are of one instance, and `this` of one function. */
  refuseOthers(node) {
    const isOwnFunction =
      ts.isFunctionLike(node) && !ts.isArrowFunction(node) && !ts.isClassElement(node);
    const isOfObject = ts.isObjectLiteralExpression(node.parent) && ts.isFunctionLike(node);
    if ((isOwnFunction || isOfObject) && saysThis(node))
      throw new Error(`${this.source.fileName}: a function in a class has a \`this\` of its own`);
    if (!ts.isPropertyAccessExpression(node) || node.expression.kind === ts.SyntaxKind.ThisKeyword)
      return;
    const symbol = this.checker.getSymbolAtLocation(node.name);
    if (symbol?.declarations?.some((one) => has(one, ts.SyntaxKind.PrivateKeyword)))
      throw new Error(`${this.source.fileName}: ${node.getText()} is private to another instance`);
  }

  /** Methods are inside of the function: what a parameter is called, they cannot mean otherwise. */
  refuseCapture(node, params) {
    const names = new Set(params.filter((one) => !one.modifiers).map((one) => one.name.text));
    const visit = (child) => {
      if (ts.isConstructorDeclaration(child)) return;
      if (ts.isIdentifier(child) && names.has(child.text)) {
        const symbol = ts.isShorthandPropertyAssignment(child.parent)
          ? this.checker.getShorthandAssignmentValueSymbol(child.parent)
          : this.checker.getSymbolAtLocation(child);
        const isFree = symbol?.declarations?.some(
          (one) =>
            one.getSourceFile() === this.source && (one.pos < node.pos || one.end > node.end),
        );
        if (isFree)
          throw new Error(
            `${this.source.fileName}: ${child.text} is a parameter of ${node.name.text}`,
          );
      }
      ts.forEachChild(child, visit);
    };
    ts.forEachChild(node, visit);
  }

  /** A method or getter as an arrow function. */
  writeFunction(node) {
    const params = node.parameters.map((one) => this.writeParameter(one)).join(", ");
    const isAsync = has(node, ts.SyntaxKind.AsyncKeyword);
    return `${isAsync ? "async " : ""}(${params}) => ${this.write(node.body)}`;
  }

  writeParameter({ dotDotDotToken, name, initializer }) {
    const value = initializer ? ` = ${this.write(initializer)}` : "";
    return `${dotDotDotToken ? "..." : ""}${this.write(name)}${value}`;
  }
}

/** How a member is written. State are properties of the object: what others may see change. */
function describe(member, usesSelf) {
  const isPrivate = has(member, ts.SyntaxKind.PrivateKeyword);
  const isState = usesSelf && !isPrivate && isField(member);
  return { isPrivate, isState, isGetter: ts.isGetAccessor(member) };
}

function isField(member) {
  return ts.isPropertyDeclaration(member) || ts.isParameter(member);
}

/** Whether others may see it change. */
function isChanged(member) {
  const isFixed =
    has(member, ts.SyntaxKind.ReadonlyKeyword) || has(member, ts.SyntaxKind.PrivateKeyword);
  return isField(member) && !isFixed;
}

function saysThis(node) {
  return node.kind === ts.SyntaxKind.ThisKeyword || (ts.forEachChild(node, saysThis) ?? false);
}

/** Names of the members that a class uses itself. */
function membersUsed(node, names = new Set()) {
  if (node.kind === ts.SyntaxKind.ThisKeyword) {
    if (ts.isPropertyAccessExpression(node.parent)) names.add(node.parent.name.text);
    else if (ts.isVariableDeclaration(node.parent))
      for (const { name, propertyName } of node.parent.name.elements)
        names.add((propertyName ?? name).text);
  }
  ts.forEachChild(node, (child) => void membersUsed(child, names));
  return names;
}

/** Whether a class uses `this` for more than its members. */
function passesThis(node) {
  if (node.kind === ts.SyntaxKind.ThisKeyword)
    return !ts.isPropertyAccessExpression(node.parent) && !ts.isVariableDeclaration(node.parent);
  return ts.forEachChild(node, passesThis) ?? false;
}

function has(node, kind) {
  return node.modifiers?.some((one) => one.kind === kind) ?? false;
}
