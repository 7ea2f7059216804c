// Elements from values. Whatever comes from outside becomes a text node or an attribute, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; attributes that are null, undefined or false are left out, `on…` are listeners. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same of SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Make these the node's only children. */
export function fill(node, ...children) {
  node.replaceChildren(...nodes(children));
  return node;
}

/**
 * A function that shows a value in the node, built anew only when the value has changed: what stays keeps its focus,
 * its selection and what was opened in it.
 */
export function fresh(node, build) {
  let shown;
  return (value) => {
    const now = JSON.stringify(value) ?? "";
    if (now !== shown) {
      shown = now;
      fill(node, build(value));
    }
  };
}

/** A function that shows items in the parent, each in the node that `make` made for its id, which then updates it. */
export function keyed(parent, make) {
  const known = new Map();
  return (items) => {
    const ids = new Set(items.map((item) => item.id));
    for (const [id, row] of known) {
      if (!ids.has(id)) {
        row.node.remove();
        known.delete(id);
      }
    }
    items.forEach((item, place) => {
      const row = known.get(item.id) ?? make(item);
      known.set(item.id, row);
      row.update(item);
      if (parent.children[place] !== row.node) parent.insertBefore(row.node, parent.children[place] ?? null);
    });
  };
}

/** Tell a screen reader; the same text is told once. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...nodes(children));
  return node;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
