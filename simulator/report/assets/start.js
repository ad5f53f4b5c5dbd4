"use strict";
// Start: the data of the page, the time that all parts share, and helpers to make elements.
const report = (() => {
  const held = document.getElementById("data");
  const data = held ? JSON.parse(held.textContent) : null;
  const listeners = [];
  let frame = 0;

  function bytes(text) {
    const raw = atob(text);
    const found = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i);
    return found;
  }

  function words(text) {
    const found = bytes(text);
    return new DataView(found.buffer).getUint16(0, true) === new Uint16Array(found.buffer)[0]
      ? new Uint16Array(found.buffer)
      : Uint16Array.from({ length: found.length / 2 }, (_, i) => found[2 * i] + 256 * found[2 * i + 1]);
  }

  function fill(element, attributes, children) {
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== "") element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  const html = (name, attributes, ...children) =>
    fill(document.createElement(name), attributes, children);
  const svg = (name, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

  function percent(share) {
    if (share === null || Number.isNaN(share)) return "down";
    const text = (100 * share).toFixed(Math.round(100 * share) === 100 && share !== 1 ? 1 : 0);
    return `${text}\u00a0%`;
  }

  function setFrame(next) {
    const last = data.time.labels.length - 1;
    frame = Math.max(0, Math.min(last, next));
    listeners.forEach((listener) => listener(frame));
  }

  const chip = (place) => html("i", { class: `chip s${(data.time.strategies[place].chip ?? place) % 8}` });

  // A check box for each strategy; `changed` is told which are on.
  function toggles(field, on, changed) {
    data.time.strategies.forEach((strategy, place) => {
      const box = html("input", { type: "checkbox", "data-strategy": place });
      box.checked = on.has(place);
      box.addEventListener("change", () => {
        if (box.checked) on.add(place);
        else on.delete(place);
        changed();
      });
      field.append(html("label", { class: "toggle" }, box, chip(place), strategy.name));
    });
  }

  return {
    data, bytes, words, html, svg, percent, setFrame, chip, toggles,
    onFrame: (listener) => listeners.push(listener),
    frame: () => frame,
  };
})();
