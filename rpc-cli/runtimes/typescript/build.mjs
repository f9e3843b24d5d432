// Makes of the run-time what a server's port serves to pages: `node build.mjs FOLDER DECLARATIONS` writes a list of pieces
// for each kind of clients, without what such never do; members that are declared to programs stay with their classes. A
// module that is served has the pieces that its services need, and no others: each line names one, what it needs, the
// members that it mentions, and its code. Needs esbuild, terser and typescript.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { minify } from "terser";
import ts from "typescript";

const here = fileURLToPath(new URL(".", import.meta.url));
const [folder, declarations] = process.argv.slice(2);

/**
 * What is known in a module where it makes a part of a list. A name with a dot is a member of whatever object, `#name` a
 * private one, another a variable: with a value it has that wherever it is read, and what depends on it is left out; objects
 * do not have the member, unless it is known of reads alone. Without a value it is a method of a class that nobody calls.
 */
const FACTS = {
  /**
   * A page's line is a WebSocket, which ends both ways at once, and its connection ends with it. Members that its
   * declarations do not have are for programs in Node.
   */
  page: {
    channel: { "[Symbol.asyncDispose]": undefined },
    connection: { "[Symbol.asyncDispose]": undefined },
    items: { "[Symbol.asyncDispose]": undefined },
    metadata: { has: undefined },
    room: { has: undefined, "[Symbol.iterator]": undefined },
    link: { ".isCut": "false", isCut: "false", ".giveUp": "false", ".resume": "undefined", ".finished": "undefined", "#halfClosed": "false" },
  },
  /** Whoever answers no calls makes none within them, and hears of none. */
  calling: {
    channel: { ".within": "undefined" },
    link: { ".request": "undefined" },
    ongoing: { ".within": "undefined" },
    "no-peer": { ".sort": "undefined" },
    outbox: { "#count": "undefined" },
    own: { ".nested": "false", nested: "false" },
    protocol: { reply: undefined, refuse: undefined },
    room: { ".nested": "false", nested: "false" },
  },
  /** Answered calls have one request and one reply, or none: those with items are refused, and their items passed over. */
  answering: {
    dispatch: { ".inbound": "undefined", ".outbound": "undefined", outbound: "undefined" },
    peer: {
      "#stray": "undefined",
      ".expects read": "false",
      ".inbound": "undefined",
      ".outbound": "undefined",
      ".sends read": "false",
      expects: "false",
      sends: "false",
      stopUpload: undefined,
    },
    protocol: { accept: undefined, stopUpload: undefined },
  },
  /** Calls have one request and one reply. */
  plain: {
    connection: { sends: "undefined", ".sending": "undefined" },
    link: { ".wakeSoon": "undefined" },
    ongoing: {
      ".onSent": "undefined",
      ".oneway": "false",
      ".receiving": "undefined",
      ".sending": "undefined",
      oneway: "false",
      receiving: "undefined",
      sending: "undefined",
    },
    outbox: { "#item": "undefined", "#streams": "[]", "#streamsNext": "false" },
    own: {
      "#oneways": "[]",
      "#pool": "undefined",
      ".onSent": "undefined",
      ".inbound": "undefined",
      ".lane": "0",
      ".oneway": "false",
      ".outbound": "undefined",
      ".receiving": "undefined",
      ".sending": "undefined",
      ".since": "0",
      inbound: "undefined",
      lane: "0",
      oneway: "false",
      outbound: "undefined",
      sending: "undefined",
    },
    protocol: { finishUpload: undefined, ".losePatience": "undefined", pool: "undefined" },
    room: { ".lane": "0", lane: "0" },
  },
};

/** Says where a rule was broken in the place of how: the words are a tenth of the bytes. And leaves out what cannot be. */
const brief = (...kinds) => ({
  name: "brief",
  setup({ onLoad }) {
    onLoad({ filter: /\/(src|browser)\/[^/]+\.ts$/ }, async ({ path }) => {
      const name = basename(path, ".ts");
      const facts = new Map(kinds.flatMap((kind) => Object.entries(FACTS[kind][name] ?? {})));
      return { contents: shortened(program.getSourceFile(path), name, facts), loader: "ts" };
    });
  },
});

/** What a node becomes by what is known: the part of the text that is replaced, and by what. Nothing if that is nothing. */
function known(node, facts) {
  const { parent } = node;
  const ofMember = (name) => facts.get(ts.isPrivateIdentifier(name) ? name.text : `.${name.text}`);
  if (ts.isBindingElement(node) || ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)) {
    const isOfObject = !ts.isArrayBindingPattern(parent) && (node.name.text ?? "") !== "";
    if (!isOfObject || ofMember(node.propertyName ?? node.name) === undefined) {
      return undefined;
    }
    const list = parent.elements ?? parent.properties;
    const next = list[list.indexOf(node) + 1];
    return [{ getStart: () => node.getStart(), end: next?.getStart() ?? list.end }, ""];
  }
  if (ts.isPropertyDeclaration(node) && ts.isPrivateIdentifier(node.name)) {
    return facts.has(node.name.text) ? [node, ""] : undefined;
  }
  if (ts.isMethodDeclaration(node) && ts.isClassLike(parent)) {
    const text = node.name.text ?? node.name.getText();
    return facts.has(text) && (ts.isPrivateIdentifier(node.name) || facts.get(text) === undefined) ? [node, ""] : undefined;
  }
  if (ts.isExpressionStatement(node) && ts.isBinaryExpression(node.expression)) {
    const { left, operatorToken } = node.expression;
    const isAssigned = operatorToken.kind === ts.SyntaxKind.EqualsToken && ts.isPropertyAccessExpression(left);
    return isAssigned && ofMember(left.name) !== undefined ? [node, ""] : undefined;
  }
  if (ts.isVariableStatement(node)) {
    const [{ name }, ...more] = node.declarationList.declarations;
    return more.length === 0 && ts.isIdentifier(name) && facts.has(name.text) ? [node, ""] : undefined;
  }
  if (ts.isForOfStatement(node) && ts.isPropertyAccessExpression(node.expression)) {
    return ofMember(node.expression.name) === "[]" ? [node, ""] : undefined;
  }
  const called = ts.isCallExpression(node) ? node.expression : node;
  if (ts.isPropertyAccessExpression(called)) {
    const { expression: base } = called;
    const isOfList = ts.isPropertyAccessExpression(base) && ofMember(base.name) === "[]" && called !== node;
    const isConstant = ["Kind", "Lane"].includes(base.getText());
    const read = ofMember(called.name) ?? facts.get(`.${called.name.text} read`);
    const value = isOfList ? "false" : isConstant ? undefined : read;
    return value === undefined ? undefined : [node, `(${value})`];
  }
  const isNamed = [ts.isParameter, ts.isPropertyAccessExpression, ts.isPropertyAssignment, ts.isClassElement, ts.isBindingElement];
  const isName = isNamed.some((is) => is(parent ?? node)) && parent.name === node;
  const value = ts.isIdentifier(node) && !isName ? facts.get(node.text) : undefined;
  return value === undefined ? undefined : [node, `(${value})`];
}

/** By what a comparison with `undefined`, `true` or `false` can be told from its left side alone: its type says so. */
function asCondition({ left, operatorToken, right }) {
  const { EqualsEqualsEqualsToken: is, ExclamationEqualsEqualsToken: isNot } = ts.SyntaxKind;
  const { Undefined, Object: AnyObject, BooleanLike, NonPrimitive } = ts.TypeFlags;
  if (operatorToken.kind !== is && operatorToken.kind !== isNot) {
    return undefined;
  }
  const type = checker.getTypeAtLocation(left);
  const isOf = (flags) => (type.isUnion() ? type.types : [type]).every((each) => (each.flags & flags) !== 0);
  const positive = operatorToken.kind === is;
  switch (right.getText()) {
    case "undefined":
      return isOf(Undefined | AnyObject | NonPrimitive) ? (positive ? "!" : "!!") : undefined;
    case "true":
      return isOf(Undefined | BooleanLike) ? (positive ? "!!" : "!") : undefined;
    case "false":
      return isOf(BooleanLike) ? (positive ? "!" : "!!") : undefined;
    default:
      return undefined;
  }
}

function shortened(file, name, facts) {
  let { text } = file;
  const changes = [];
  let hidden = new Map();
  const isOfTypes = (node) => ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isImportDeclaration(node);
  const visit = (node) => {
    if (changes.some(([changed]) => changed === node) || isOfTypes(node)) {
      return;
    }
    const change = known(node, facts);
    if (change !== undefined) {
      changes.push(change);
      return;
    }
    if (ts.isBinaryExpression(node)) {
      const by = asCondition(node);
      if (by !== undefined) {
        changes.push([{ getStart: () => node.left.getStart(), end: node.left.getStart() }, `${by}(`]);
        changes.push([{ getStart: () => node.left.end, end: node.end }, ")"]);
      }
    }
    const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    if (ts.isNewExpression(node) && node.expression.getText() === "ProtocolError") {
      changes.push([node.arguments[0], JSON.stringify(`${name.slice(0, 2)}${line}`)]);
    } else if (ts.isCallExpression(node) && /^(this|reader)\.error$/.test(node.expression.getText())) {
      changes.push([node.arguments[1], '""']);
    } else if (name === "frames" && ts.isVariableDeclaration(node) && ["Kind", "RULES"].includes(node.name.text)) {
      changes.push([node.initializer, tabled(file, node.name.text)]);
    } else if (ts.isPropertyAccessExpression(node) && node.expression.getText() === "Lane") {
      changes.push([node, LANES[node.name.text]]);
      return;
    } else if (ts.isPropertyAccessExpression(node) && node.getText() === "Number.POSITIVE_INFINITY") {
      changes.push([node, "(1 / 0)"]);
      return;
    } else if (ts.isPropertyDeclaration(node) && node.initializer === undefined) {
      changes.push([node, ""]);
      return;
    } else if (ts.isTemplateSpan(node) && /^String\(/.test(node.expression.getText())) {
      const [text] = node.expression.arguments;
      changes.push([{ getStart: () => node.expression.getStart(), end: text.getStart() }, ""]);
      changes.push([{ getStart: () => text.end, end: node.expression.end }, ""]);
    } else if (ts.isPrivateIdentifier(node)) {
      changes.push([node, hidden.get(node.text)]);
    }
    const outside = hidden;
    hidden = ts.isClassLike(node) ? hiddenIn(node) : hidden;
    ts.forEachChild(node, visit);
    hidden = outside;
  };
  visit(file);
  // What is inserted ahead of a change comes after it.
  const order = ([one], [other]) => other.getStart() - one.getStart() || other.end - one.end;
  for (const [node, by] of changes.sort(order)) {
    text = text.slice(0, node.getStart()) + by + text.slice(node.end);
  }
  return text;
}

/** Names of private members of a class, from the one that is used most: the same in all classes, and short like others. */
function hiddenIn(node) {
  const uses = new Map();
  const count = (inner) => {
    if (ts.isPrivateIdentifier(inner)) {
      uses.set(inner.text, (uses.get(inner.text) ?? 0) + 1);
    }
    ts.forEachChild(inner, count);
  };
  count(node);
  const names = [...uses.keys()].sort((one, other) => uses.get(other) - uses.get(one));
  return new Map(names.map((name, index) => [name, `_${index}_`]));
}

const isHidden = (name) => /^_\d+_$/.test(name);

/** The value of a constant of a module. */
function constantOf(file, name) {
  const all = file.statements.filter(ts.isVariableStatement).flatMap((each) => each.declarationList.declarations);
  const { expression } = all.find((each) => each.name.text === name).initializer;
  return new Function(`return ${expression.getText()}`)();
}

/** What is made of the table of kinds, as a literal: numbers stand where they are used then. */
function tabled(file, name) {
  const kinds = constantOf(file, "KINDS");
  if (name === "Kind") {
    return `${JSON.stringify(Object.fromEntries(kinds.map(({ name, number }) => [name, number])))} as const`;
  }
  const flags = constantOf(file, "Flag");
  const sum = (names) => names.split(" ").reduce((sum, name) => sum | (flags[name] ?? 0), 0);
  const rules = kinds.map(({ number, may, must, about, carries }) => {
    return [number, [sum(may), sum(must), about !== "connection", carries === "message"]];
  });
  return `new Map(${JSON.stringify(rules)})`;
}

/** Leaves out what answers calls. */
const silent = {
  name: "silent",
  setup({ onResolve }) {
    onResolve({ filter: /\/(peer|dispatch|answers)\.js$/ }, ({ path }) => ({
      path: join(here, "browser", `no-${basename(path, ".js")}.ts`),
    }));
  },
};

const parsed = (text) => ts.createSourceFile("", text, ts.ScriptTarget.ES2022, true);

/** The run-time with its types. */
const program = ts.createProgram(
  (await Promise.all(["src", "browser"].map((folder) => readdir(join(here, folder))))).flatMap((files, index) =>
    files.map((file) => join(here, ["src", "browser"][index], file)),
  ),
  {
    exactOptionalPropertyTypes: true,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    module: ts.ModuleKind.NodeNext,
    noUncheckedIndexedAccess: true,
    strict: true,
    target: ts.ScriptTarget.ES2022,
    types: [],
  },
);

const checker = program.getTypeChecker();

const LANES = constantOf(parsed(await readFile(join(here, "src/room.ts"), "utf8")), "Lane");

/** The names in a file of which some are wanted. */
async function namesIn(path, isWanted = () => true) {
  const names = new Set();
  const visit = (node) => {
    if (ts.isIdentifier(node) && isWanted(node)) {
      names.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed(await readFile(path, "utf8")));
  return names;
}

/** Whether it is not a parameter of a type: those have names as short ones are. */
const isOfProgram = ({ text }) => text.length > 1;

/** Names by which programs know members: such members are there wherever their class is. */
const declared = new Set([...(await namesIn(declarations, isOfProgram)), "client", "codec", "handler", "method", "type"]);

/** Names of members that nobody else knows: neither programs nor the language nor browsers, and no description has them. */
async function own() {
  const isMember = (node) =>
    node.parent.name === node &&
    (ts.isClassElement(node.parent) || ts.isTypeElement(node.parent) || ts.isPropertyAssignment(node.parent));
  const names = new Set();
  for (const folder of ["src", "browser"]) {
    for (const file of await readdir(join(here, folder))) {
      const isDescription = file === "describe.ts";
      for (const name of await namesIn(join(here, folder, file), isMember)) {
        if (!isDescription) {
          names.add(name);
        }
      }
    }
  }
  const libraries = new URL("./", import.meta.resolve("typescript"));
  const others = [await namesIn(join(here, "browser/describe.ts"), ({ parent }) => ts.isTypeElement(parent)), declared];
  for (const file of await readdir(libraries)) {
    if (/^lib\.(es|dom|webworker).*\.d\.ts$/.test(file)) {
      others.push(await namesIn(new URL(file, libraries)));
    }
  }
  return [...names].filter((name) => !others.some((names) => names.has(name)));
}

/** Cuts a script into its statements, and classes into their members, apart from those that have to stay. */
function cut(script) {
  const pieces = [];
  let exported = [];
  const put = (name, node, head, what = node) => {
    const members = ts.isClassLike(what) ? what.members.filter(isApart) : [];
    pieces.push({ name, node, head, tail: head === "" ? "" : ";", isClass: ts.isClassLike(what), members });
    for (const member of members) {
      pieces.push({ name: `${name}.${member.name.text}`, node: member, head: "", tail: "", isClass: false, members: [] });
    }
  };
  for (const node of parsed(script).statements) {
    if (ts.isExportDeclaration(node)) {
      exported = node.exportClause.elements.map((each) => [each.name.text, (each.propertyName ?? each.name).text]);
    } else if (ts.isVariableStatement(node)) {
      for (const each of node.declarationList.declarations) {
        put(each.name.text, each, "let ", each.initializer);
      }
    } else if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) {
      put(node.name.text, node, "");
    } else {
      throw new Error(`a statement that does something: ${node.getText()}`);
    }
  }
  return { pieces, exported };
}

/** Whether a member of a class is a piece of its own. */
function isApart(member) {
  const isCode = ts.isMethodDeclaration(member) || ts.isAccessor(member);
  const isNamed = isCode && (ts.isIdentifier(member.name) || ts.isPrivateIdentifier(member.name));
  const isStatic = member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) === true;
  return isNamed && !isStatic && !declared.has(member.name.text);
}

/** The name of a piece: a capital letter and perhaps another sign. */
function capital(index) {
  const signs = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : `${letter}${signs[Math.floor(index / 26) - 1]}`;
}

/** The lines of a list of pieces. */
function listed({ pieces, exported }, hidden) {
  const words = new Map();
  for (const word of pieces.flatMap(({ node }) => node.getText().match(/\w+/g))) {
    words.set(word, (words.get(word) ?? 0) + 1);
  }
  const uses = (name) => words.get(name) ?? 0;
  const wholes = pieces.map(({ name }) => name).filter((name) => !name.includes("."));
  wholes.sort((one, other) => uses(other) - uses(one) || (one < other ? -1 : 1));
  const names = new Map(wholes.map((name, index) => [name, capital(index)]));
  const members = new Set(pieces.flatMap(({ name }) => name.split(".").slice(1)));
  const lines = pieces.map((piece) => {
    const { needs, mentions, code } = look(piece, names, members, hidden);
    const [base, member] = piece.name.split(".");
    const name = [names.get(base), ...(member === undefined ? [] : [member])].join(".");
    needs.delete(names.get(base));
    const end = piece.isClass ? `}${piece.tail}` : piece.tail;
    return [name, [...needs].join(" "), [...mentions].join(" "), `${piece.head}${code}`, end].join("\t");
  });
  const known = exported.map(([known, own]) => `${known}:${names.get(own)}`);
  return `${[known.join(" "), ...lines].join("\n")}\n`;
}

/** What a piece needs and mentions, and its code by the names that pieces have. A class is left open for its members. */
function look({ name, node, isClass, members: apart }, names, members, hidden) {
  const base = names.get(name.split(".")[0]);
  const [needs, mentions] = [new Set(), new Set()];
  const changes = apart.map((member) => [member.getStart(), member.end, ""]);
  const visit = (inner) => {
    if (apart.includes(inner)) {
      return;
    }
    if (ts.isVariableDeclarationList(inner) && (inner.flags & ts.NodeFlags.Const) !== 0) {
      // One word less that has to be told from another.
      changes.push([inner.getStart(), inner.getStart() + 5, "let"]);
    }
    if (ts.isIdentifier(inner) || ts.isPrivateIdentifier(inner)) {
      const { parent, text } = inner;
      const isKey = (ts.isPropertyAssignment(parent) || ts.isClassElement(parent)) && parent.name === inner;
      const isRead =
        ts.isPrivateIdentifier(inner) ||
        (ts.isPropertyAccessExpression(parent) && parent.name === inner) ||
        (ts.isBindingElement(parent) && parent.propertyName === inner);
      const isBoth = ts.isShorthandPropertyAssignment(parent);
      const isOfObject = isKey || isRead;
      const isTaken = ts.isBindingElement(parent) && ts.isObjectBindingPattern(parent.parent) && parent.name === inner;
      if ((isRead || isTaken) && members.has(text) && parent !== node) {
        // Private ones are those of this class, others of any.
        mentions.add(hidden.has(text) ? `${base}.${text}` : text);
      }
      if (!isOfObject && names.has(text)) {
        needs.add(names.get(text));
        changes.push([inner.getStart(), inner.end, `${isBoth ? `${text}:` : ""}${names.get(text)}`]);
      }
    }
    ts.forEachChild(inner, visit);
  };
  visit(node);
  let code = node.getText();
  const begin = node.getStart();
  for (const [start, end, by] of changes.sort((one, other) => other[0] - one[0])) {
    code = code.slice(0, start - begin) + by + code.slice(end - begin);
  }
  return { needs, mentions, code: isClass ? code.slice(0, -1) : code };
}

/** The names that private members have in the end. */
function hiddenBy({ props }) {
  const names = Object.entries(props.props).map(([name, short]) => [name.slice(1), short]);
  return new Set(names.filter(([name]) => isHidden(name)).map(([, short]) => short));
}

/** Names of variables that are not names of pieces, which begin with a capital letter. */
const variables = {
  get: (number) => {
    const [first, rest] = ["tesnirohaludcpmfgvbykwxjqz_$", "tesnirohaludcpmfgvbykwxjqz_$0123456789"];
    let name = first[number % first.length];
    for (let left = Math.floor(number / first.length); left > 0; left = Math.floor((left - 1) / rest.length)) {
      name += rest[(left - 1) % rest.length];
    }
    return name;
  },
};

const regex = new RegExp(`^(?:_\\d+_|${(await own()).map((name) => name.replace(/\$/g, "\\$")).join("|")})$`);
const LISTS = [
  ["whole", [brief("page")]],
  ["answering", [brief("page", "answering")]],
  ["calling", [silent, brief("page", "calling")]],
  ["plain", [silent, brief("page", "calling", "plain")]],
];
for (const [name, plugins] of LISTS) {
  const { outputFiles } = await build({
    entryPoints: [join(here, "browser/pieces.ts")],
    bundle: true,
    charset: "ascii",
    format: "esm",
    plugins,
    target: "es2022",
    write: false,
  });
  // Names of the whole stay, so that none is one of a member or a variable; pieces have short ones.
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2020,
    module: true,
    compress: { passes: 4, toplevel: true, keep_fargs: false, unsafe_arrows: true, unsafe_methods: true },
    mangle: { toplevel: false, module: false },
    format: { ascii_only: true },
  });
  const nameCache = {};
  const short = await minify(code, {
    nameCache,
    compress: false,
    ecma: 2020,
    module: true,
    mangle: { toplevel: false, module: false, nth_identifier: variables, properties: { regex } },
    format: { ascii_only: true },
  });
  await writeFile(join(folder, `${name}.txt`), listed(cut(short.code), hiddenBy(nameCache)));
}
