// The browser's side of HostCheck: shows its rows, sends bytes back, and clicks in the widget above.

const CLICK_LIMIT_MS = 90000;

function until(condition, limit) {
  const end = performance.now() + limit;
  return new Promise((resolve, reject) => {
    const poll = () => {
      const found = condition();
      if (found) resolve(found);
      else if (performance.now() > end) reject(new Error("it did not happen in time"));
      else setTimeout(poll, 50);
    };
    poll();
  });
}

function sum(bytes) {
  let total = 0;
  for (const byte of bytes) total = (total * 31 + byte) >>> 0;
  return total;
}

async function click(root) {
  const view = await until(
    () => root.querySelector(".sam2widget[data-state=ready][data-frame-drawn]"),
    CLICK_LIMIT_MS,
  );
  const drawn = Number(view.dataset.masksDrawn ?? 0);
  const stage = view.querySelector("[data-role=stage]");
  const began = performance.now();
  stage.focus();
  for (const [key, altKey] of [
    ["ArrowDown", true],
    ["Enter", false],
  ]) {
    stage.dispatchEvent(
      new KeyboardEvent("keydown", { key, code: key, altKey, bubbles: true, cancelable: true }),
    );
  }
  await until(() => Number(view.dataset.masksDrawn ?? 0) > drawn, CLICK_LIMIT_MS);
  return performance.now() - began;
}

function render({ model, el, signal }) {
  const table = document.createElement("table");
  const verdict = document.createElement("p");
  verdict.setAttribute("role", "status");
  verdict.style.fontWeight = "bold";
  el.append(verdict, table);
  const draw = () => {
    const result = model.get("result");
    el.dataset.result = result;
    verdict.textContent =
      result === "running" ? "Running…" : result === "pass" ? "PASS" : "FAIL: see below.";
    table.replaceChildren(
      ...model.get("rows").map(([name, state, text]) => {
        const row = document.createElement("tr");
        for (const content of [state.toUpperCase(), name, text]) {
          const cell = document.createElement("td");
          cell.style.cssText = "padding: 2px 12px 2px 0; text-align: left";
          cell.textContent = content;
          row.append(cell);
        }
        return row;
      }),
    );
  };
  const answer = (content, buffers) => {
    if (content.type === "ping") {
      model.send({ type: "pong", number: content.number });
    } else if (content.type === "bytes") {
      const view = buffers[0];
      const bytes = new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);
      const copy = bytes.slice();
      model.send({ type: "bytes", sum: sum(copy), length: copy.length }, undefined, [copy.buffer]);
    } else if (content.type === "click") {
      click(el.getRootNode().querySelector ? el.getRootNode() : document).then(
        (took) => model.send({ type: "clicked", took }),
        (error) => model.send({ type: "failed", text: String(error.message ?? error) }),
      );
    }
  };
  model.on("change:rows", draw);
  model.on("change:result", draw);
  model.on("msg:custom", answer);
  signal?.addEventListener("abort", () => {
    model.off("change:rows", draw);
    model.off("change:result", draw);
    model.off("msg:custom", answer);
  });
  draw();
  model.send({ type: "hello", agent: navigator.userAgent, secure: isSecureContext });
}

export default { render };
