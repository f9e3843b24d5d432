// Pieces of a page.

/** An element with attributes, listeners under names that begin with `on`, and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export const button = (text, onclick, attributes = {}) => make("button", { type: "button", onclick, ...attributes }, text);

/** Documentation: paragraphs, lists and code. */
export function prose(text) {
  const blocks = (text ?? "").trim().split(/\n\s*\n/).filter((block) => block !== "");
  return blocks.map((block) => {
    if (/^(```|    )/.test(block)) return make("pre", {}, block.replace(/^```.*\n?|```$/gm, ""));
    const pieces = block.split(/(`[^`]+`)/).map((piece) => (/^`.+`$/.test(piece) ? make("code", {}, piece.slice(1, -1)) : piece));
    return make("p", {}, pieces);
  });
}

/** JSON with its parts told apart. */
export function coloured(text) {
  const pieces = [];
  let from = 0;
  for (const found of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b/g)) {
    pieces.push(text.slice(from, found.index));
    const kind = found[2] !== undefined ? "name" : found[1] !== undefined ? "text" : "value";
    pieces.push(make("span", { class: `json-${kind}` }, found[1] ?? found[0]), found[2] ?? "");
    from = found.index + found[0].length;
  }
  return [...pieces, text.slice(from)];
}

/** Puts a text where it can be pasted, and says so on the button. */
export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "off" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = said.textContent;
  said.textContent = "copied";
  setTimeout(() => {
    said.textContent = before;
  }, 1000);
}

/** A time in milliseconds, for people. */
export const shortTime = (ms) => (ms < 10 ? `${ms.toFixed(2)} ms` : ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`);
