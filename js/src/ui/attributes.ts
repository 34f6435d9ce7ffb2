/** Changes of elements that cost nothing where nothing changes. */

/** Set an attribute, or with null or false take it away; true is an empty one. */
export function setAttribute(element: Element, name: string, value: string | boolean | null): void {
  const text = value === true ? "" : value === false ? null : value;
  if (element.getAttribute(name) === text) return;
  if (text === null) element.removeAttribute(name);
  else element.setAttribute(name, text);
}

/** Set a property of the style, such as a variable. */
export function setStyle({ style }: HTMLElement, name: string, value: string): void {
  if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
}
