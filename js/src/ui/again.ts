/** What a person does to get the widget anew. */

/** Of a page without cells, as Voilà and `sam2widget serve` make them, there is nothing to run. */
export function again(): string {
  return document.body.dataset.voila === undefined ? "run the cell again" : "reload the page";
}

/** The same at the beginning of a sentence. */
export function againFirst(): string {
  const text = again();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
