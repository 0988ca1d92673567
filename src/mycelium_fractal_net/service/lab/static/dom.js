/** Small helpers around the document. */

export const find = (selector, root = document) => root.querySelector(selector);
export const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Make an element: properties as they are, attributes with a hyphen or `role` as attributes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for" || name === "list") element.setAttribute(name, value);
    else if (name === "data") Object.assign(element.dataset, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Set the text of an element, unless it is that already: whatever is set makes the browser lay out the page again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Digits that suffice to tell values apart, and no more. */
export function short(value, digits = 4) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

export function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Call once things have been quiet, `wait()` milliseconds after the last call; the last arguments count. */
export function quiet(wait, action) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), wait());
  };
}

/** Tell people, those who listen too. */
export function tell(words, kind = "note") {
  const box = find("#told");
  box.dataset.kind = kind;
  find("p", box).textContent = words;
  box.hidden = false;
  clearTimeout(tell.timer);
  if (kind !== "alarm") tell.timer = setTimeout(() => (box.hidden = true), 8000);
}
