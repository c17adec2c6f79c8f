/**
 * How the page is made: by nodes and text, never by markup. The Content-Security-Policy
 * enforces it (Trusted Types), so that a hostile name can be nothing but text.
 */

const SVG = 'http://www.w3.org/2000/svg';

/** The element of the static page with this id. */
export const byId = (id) => document.getElementById(id);

/** An HTML element. `on` holds listeners; a null or false attribute is left out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Sets, or with null or false removes; touches nothing that is so already. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Sets the text; touches nothing that is so already. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const drawnFrom = new WeakMap();
const REACHED = 'a[href], button, input, select';

/**
 * Calls `draw(node)` only when what it draws from is another than last time. What had the
 * focus inside has it again, for whoever walks the page by keyboard.
 */
export function redrawn(node, from, draw) {
  const key = JSON.stringify(from);
  if (drawnFrom.get(node) === key) return;
  drawnFrom.set(node, key);
  const focused = [...node.querySelectorAll(REACHED)].indexOf(document.activeElement);
  draw(node);
  if (focused >= 0) node.querySelectorAll(REACHED)[focused]?.focus({ preventScroll: true });
}

/** Puts `nodes` into `parent` in this order, moving only what is out of place. */
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    const there = parent.children[index];
    if (there !== node) parent.insertBefore(node, there ?? null);
  });
}
