/** What a page may do outside of itself: the clipboard and the downloads. */

/** Let the browser save a file. */
export function saveAs(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  // In the page: some browsers follow no other links.
  document.body.append(link);
  link.click();
  link.remove();
  // The download has begun by then, and goes on.
  window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * Copy something, or where a page may not use the clipboard, as one that came by plain http, save
 * it as a file. Resolves to what happened, in words; rejects where there is nothing to copy.
 */
export async function copyOrSave(blob: Promise<Blob>, name: string): Promise<string> {
  try {
    // The clipboard waits for it: by the time it is here, the click may be too long ago.
    const { type } = typeOf(name);
    await navigator.clipboard.write([new ClipboardItem({ [type]: blob })]);
    return "Copied.";
  } catch {
    saveAs(await blob, name);
    return `This page may not use the clipboard: saved as ${name} in your browser's downloads.`;
  }
}

function typeOf(name: string): { type: string } {
  return { type: name.endsWith(".png") ? "image/png" : "text/plain" };
}
