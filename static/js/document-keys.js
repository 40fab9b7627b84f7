// Which keys and values the document's format knows where one types.
const cm = globalThis.CodeMirror;
export const isJson = (doc) => /^\s*[{[]/.test(doc.sliceString(0, 400));
const shape = JSON.parse(document.getElementById("document-shape")?.textContent ?? "null");
const flat = (one) => !one || typeof one !== "object" ? []
  : [one, ...["anyOf", "oneOf", "allOf"].flatMap((word) => (one[word] ?? []).flatMap(flat)), ...flat(one.items)];
const below = (shapes, key) => shapes.flatMap((one) => flat(one.properties?.[key] ?? (one.properties?.[key] === undefined
  ? one.additionalProperties : null)));
function keysAbove(state, line, indent) {
  const found = [];
  for (let number = line.number - 1; number > 0 && indent > 0 && number > line.number - 3000; number--) {
    const key = /^((?:\s|- )*)(["']?)([\w$-]+)\2\s*:(?:\s|$)/.exec(state.doc.line(number).text);
    if (key && key[1].length < indent) { found.unshift(key[3]); indent = key[1].length; }
  }
  return found;
}
function jsonKeysAbove(state, pos) {
  const found = [];
  let node = cm.syntaxTree(state).resolveInner(pos, -1);
  if (node.name === "PropertyName") node = node.parent.parent ?? node;
  for (; node; node = node.parent) {
    const name = node.name === "Property" && node.getChild("PropertyName");
    if (name) found.unshift(state.sliceDoc(name.from + 1, name.to - 1));
  }
  return found;
}
export function known(context) {
  const { state, pos } = context, line = state.doc.lineAt(pos), before = state.sliceDoc(line.from, pos);
  const inJson = isJson(state.doc);
  const word = (inJson ? /"([\w$-]*)$/ : /^((?:\s|- )*)(?:([\w$-]+):\s+)?([\w$-]*)$/).exec(before);
  if (!shape || !word || (!context.explicit && word.at(-1).length < 2)) return null;
  const from = pos - word.at(-1).length;
  if (!inJson && word[2]) {
    const here = below(keysAbove(state, line, word[1].length).reduce(below, flat(shape)), word[2]);
    const values = new Set(here.flatMap((one) => one.enum ?? ("const" in one ? [one.const] : one.type === "boolean" ? [true, false] : [])));
    return { from, options: [...values].filter((one) => one !== null).map((one) => ({ label: String(one), type: "constant" })) };
  }
  if (inJson && /:\s*"[\w$-]*$/.test(before)) return null;
  const path = inJson ? jsonKeysAbove(state, pos) : keysAbove(state, line, word[1].length);
  const names = new Set(path.reduce(below, flat(shape)).flatMap((one) => Object.keys(one.properties ?? {})));
  return { from, validFor: /^[\w$-]*$/, options: [...names].map((label) => ({ label, type: "property", apply: inJson ? label : `${label}: ` })) };
}
