// Controls: sliders, lists and clicks on the map move the state; `state.changed` is told.
(() => {
  if (!state) return;
  const { explore } = report.data;
  const { html } = report;
  const at = (id) => document.getElementById(id);
  const KINDS = [["cable", "cables"], ["gateway", "gateways"], ["link", "links"]];
  const boxes = { cable: {}, gateway: {}, link: {} };
  let waiting = null;

  function moved(soon = 0) {
    counts();
    at("working").textContent = "Working it out.";
    clearTimeout(waiting);
    waiting = setTimeout(() => state.changed(), soon);
  }

  // A slider and a number that say the same.
  function couple(slider, number, read, write) {
    const set = (value) => { slider.value = value; number.value = value; };
    slider.addEventListener("input", () => { number.value = slider.value; write(Number(slider.value)); moved(120); });
    number.addEventListener("change", () => {
      if (!number.checkValidity() || number.value === "") { set(read()); return; }
      slider.value = number.value;
      write(Number(number.value));
      moved();
    });
    set(read());
    return () => set(read());
  }
  const rounded = (value) => Number(value.toPrecision(12));
  const refresh = [
    couple(at("growth"), at("growth-number"), () => state.held.international, (value) => { state.held.international = value; }),
    couple(at("target"), at("target-number"), () => rounded(100 * (state.held.target ?? explore.target)), (value) => {
      const share = rounded(value / 100);
      state.held.target = share === explore.target ? null : share;
    }),
  ];
  at("growth-move").hidden = !explore.abroad;

  // -- what fails -------------------------------------------------------------------------------
  function fail(kind, id, down) {
    const now = new Set(state.held.failed[kind]);
    if (down) now.add(id);
    else now.delete(id);
    state.held.failed[kind] = [...now].sort();
    if (boxes[kind][id]) boxes[kind][id].checked = down;
  }
  KINDS.forEach(([kind, list]) => {
    at(`${list}-box`).hidden = !explore.ids[kind].length;
    explore.ids[kind].forEach((id) => {
      const box = html("input", { type: "checkbox" });
      box.addEventListener("change", () => { fail(kind, id, box.checked); moved(); });
      boxes[kind][id] = box;
      const more = (explore.words[kind] || {})[id];
      at(list).append(html("label", { class: "toggle" }, box, html("span", {}, id, more && more !== id ? html("span", { class: "more" }, ` ${more}`) : "")));
    });
  });
  refresh.push(() => KINDS.forEach(([kind]) => Object.entries(boxes[kind]).forEach(([id, box]) => { box.checked = state.held.failed[kind].includes(id); })));

  // A click cuts the cables of a link, the one with the largest share first, and a link without
  // cables itself; a click on what is cut mends it.
  document.addEventListener("links", (event) => {
    const links = event.detail;
    const riders = new Map();
    links.forEach((link) => explore.riders[link].forEach(([cable, share]) => riders.set(cable, (riders.get(cable) || 0) + share)));
    const cables = [...riders].sort((a, b) => b[1] - a[1]).map(([cable]) => cable).filter((cable) => boxes.cable[cable]);
    if (cables.length) {
      const next = cables.find((cable) => !state.held.failed.cable.includes(cable));
      if (next) fail("cable", next, true);
      else cables.forEach((cable) => fail("cable", cable, false));
    } else {
      const ids = links.map((link) => report.data.map.ids[link]).filter((id) => boxes.link[id]);
      const down = ids.every((id) => state.held.failed.link.includes(id));
      ids.forEach((id) => fail("link", id, !down));
      if (!ids.length) return;
    }
    moved();
  });

  if (window.innerWidth < 1000) ["cables-box", "exits-box"].forEach((id) => { if (at(id)) at(id).open = false; });

  // -- capacities and schemes -------------------------------------------------------------------
  if (at("capacities")) {
    explore.exits.forEach(([id, gbps], place) => {
      const name = report.data.exits.ids[place];
      const slider = html("input", { type: "range", id: `exit-${place}`, min: 0, max: rounded(Math.max(3 * gbps, 10)), step: rounded(Math.max(gbps, 10) / 100) });
      const number = html("input", { type: "number", min: 0, max: 1e7, step: "any", "aria-label": `Capacity of ${name} in Gbps` });
      const label = html("label", { for: `exit-${place}` }, name);
      at("capacities").append(html("div", { class: "move" }, label, html("span", { class: "pair" }, slider, number)));
      const set = couple(slider, number, () => state.held.exits[id] ?? gbps, (value) => {
        if (value === gbps) delete state.held.exits[id];
        else state.held.exits[id] = value;
        label.className = id in state.held.exits ? "moved" : "";
      });
      refresh.push(() => { set(); label.className = id in state.held.exits ? "moved" : ""; });
    });
    at("reset-exits").addEventListener("click", () => { state.held.exits = {}; refresh.forEach((each) => each()); moved(); });
  }
  explore.names.forEach((name, place) => {
    const choice = html("select", { id: `scheme-${place}` });
    const kinds = [...new Set([explore.schemes[place], ...explore.known])];
    kinds.forEach((kind, i) => choice.append(html("option", { value: i ? kind : "" }, i ? kind : `${kind}, as stated`)));
    choice.addEventListener("change", () => {
      if (choice.value) state.held.schemes[name] = choice.value;
      else delete state.held.schemes[name];
      moved();
    });
    at("schemes").append(html("div", { class: "move" }, html("label", { for: `scheme-${place}` }, report.data.time.strategies[place].name), choice));
    refresh.push(() => { choice.value = state.held.schemes[name] || ""; });
  });

  function counts() {
    const tell = (id, many) => { if (at(id)) at(id).textContent = many ? `${many} moved` : ""; };
    KINDS.forEach(([kind]) => { at(`${kind}-count`).textContent = state.held.failed[kind].length ? `${state.held.failed[kind].length} down` : ""; });
    tell("exit-count", Object.keys(state.held.exits).length);
    tell("scheme-count", Object.keys(state.held.schemes).length);
  }
  at("reset").addEventListener("click", () => { state.reset(); refresh.forEach((each) => each()); moved(); });
})();
