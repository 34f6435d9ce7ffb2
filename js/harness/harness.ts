/** A page to look at the view in: no notebook, no kernel. `npm run harness` writes it. */

import { mount } from "../src/view";
import { PageKernel } from "./kernel";

declare global {
  interface Window {
    kernel: PageKernel;
  }
}

const cell = document.getElementById("cell") as HTMLElement;
cell.style.width = new URLSearchParams(location.search).get("width") ?? "auto";
window.kernel = new PageKernel();
mount(cell, window.kernel);
