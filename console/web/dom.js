// Builds elements. Text goes in as text only: nothing here ever parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element; attributes that are null or false are left out, functions listen to the event of their name. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Return an SVG element. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Put children in the place of what is there. */
export function fill(box, ...children) {
  box.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return box;
}

/** Return the element of an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Say something to people who listen to the page. */
export function speak(text) {
  byId("spoken").textContent = text;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}
