// Map: the network in every frame, a panel for each strategy; colour is load, width is capacity.
(() => {
  if (!report.data || !report.data.map) return;
  const { data, html, svg, percent } = report;
  const { time, map } = data;
  const use = map.use.map(report.bytes);
  const directions = 2 * map.links.length;
  const DOWN = 255;
  const on = new Set(time.strategies.map((_, place) => place).filter((place) => time.strategies[place].shown));
  const about = document.getElementById("about");
  const hint = about.textContent;
  const panels = document.getElementById("panels");
  const levels = () => [
    [0.5 * time.target, "u0"], [time.target, "u1"], [1.0001, "u2"], [Infinity, "u3"],
  ];
  let view = 0;
  let built = [];
  let active = null;

  // -- values -----------------------------------------------------------------------------------
  const share = (strategy, frame, direction) => {
    const found = use[strategy][frame * directions + direction];
    return found === DOWN ? NaN : found / 100;
  };
  function capacity(direction, frame, strategy) {
    if (report.capacityAt) return report.capacityAt(direction, frame, strategy);
    const whole = map.links[direction >> 1].gbps[direction % 2];
    const changes = map.changes[direction];
    if (!changes) return whole;
    return changes.reduce((gbps, [from, value]) => (from <= frame ? value : gbps), whole);
  }
  function state(strategy, frame, line) {
    let most = -1;
    let worse = false;
    line.links.forEach((link) => [2 * link, 2 * link + 1].forEach((direction) => {
      const found = share(strategy, frame, direction);
      if (!Number.isNaN(found)) most = Math.max(most, found);
      worse = worse || capacity(direction, frame, strategy) < map.links[link].gbps[direction % 2] - 1e-9;
    }));
    return { most, worse, down: most < 0, idle: most < 0 && Boolean(line.idle) };
  }
  const level = (found) => (found.idle ? "idle" : found.down ? "down" : levels().find(([end]) => found.most < end)[1]);
  const isKnown = (strategy, frame) => !report.isKnown || report.isKnown(strategy, frame);

  // -- panels -----------------------------------------------------------------------------------
  const NODES = { super_core: "●", core: "●", provincial: "○", gateway: "◇", pop: "▲", region: "□" };
  function names(shown, size) {
    return svg("g", { class: `names ${size}`, "font-size": shown.type[size] },
      ...shown.names[size].map(([x, y, text]) => svg("text", { x, y: y + 0.36 * shown.type[size] }, text)));
  }
  function node([x, y, kind, words]) {
    const shapes = {
      pop: () => svg("path", { d: `M${x} ${y - 9}l8 14h-16z` }),
      region: () => svg("rect", { x: x - 5, y: y - 5, width: 10, height: 10 }),
      gateway: () => svg("path", { d: `M${x} ${y - 13}l13 13l-13 13l-13 -13z` }),
      super_core: () => svg("circle", { cx: x, cy: y, r: 9 }),
      core: () => svg("circle", { cx: x, cy: y, r: 7 }),
    };
    const shape = (shapes[kind] || (() => svg("circle", { cx: x, cy: y, r: 5 })))();
    return svg("g", { class: `node ${kind}` }, svg("title", {}, words), shape);
  }
  function panel(strategy, shown) {
    const lines = shown.lines.map((line) => ({
      ...line,
      seen: svg("path", { d: line.d, class: "link", "stroke-width": line.w }),
      hit: svg("path", { d: line.d, class: "hit", "stroke-width": Math.max(16, line.w + 8) }),
      mark: svg("text", { class: "sign", x: line.at[0], y: line.at[1] + 8 }),
    }));
    const glow = svg("path", { class: "glow" });
    const picture = svg("svg", { viewBox: `0 0 1000 ${shown.height}`, tabindex: "0", role: "group" },
      svg("rect", { class: "sea", width: 1000, height: shown.height }),
      svg("path", { class: "land", d: shown.land, transform: `scale(${shown.landScale})` }),
      glow, ...lines.map((each) => each.seen), ...shown.nodes.map(node),
      ...lines.map((each) => each.mark), ...Object.keys(shown.names).map((size) => names(shown, size)), ...lines.map((each) => each.hit));
    const own = { strategy, lines, picture, glow, place: -1, worst: html("span", { class: "worst" }) };
    picture.setAttribute("aria-label", `Map of ${time.strategies[strategy].name}${shown.title ? `, ${shown.title}` : ""}: arrow keys walk over the links, the fullest first`);
    lines.forEach((each, place) => {
      each.hit.addEventListener("pointerenter", () => choose(own, place));
      each.hit.addEventListener("click", () => { choose(own, place); pick(each); });
    });
    picture.addEventListener("pointerleave", () => choose(own, -1));
    picture.addEventListener("blur", () => choose(own, -1));
    picture.addEventListener("keydown", (event) => walk(own, event));
    const head = html("figcaption", {}, report.chip(strategy), html("b", {}, time.strategies[strategy].name), time.strategies[strategy].bound ? " (a bound)" : "", own.worst);
    own.figure = html("figure", { class: "panel" }, head, picture);
    return own;
  }
  function order(own) {
    const frame = report.frame();
    return own.lines.map((line, place) => [state(own.strategy, frame, line), place])
      .sort((a, b) => ((b[0].down && !b[0].idle) - (a[0].down && !a[0].idle)) || (b[0].most - a[0].most)).map((pair) => pair[1]);
  }
  function walk(own, event) {
    if (event.key === "Enter" && own.place >= 0) pick(own.lines[own.place]);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step && event.key !== "Escape") return;
    event.preventDefault();
    if (event.key === "Escape") { choose(own, -1); return; }
    const sorted = order(own);
    const at = sorted.indexOf(own.place);
    choose(own, sorted[(at + step + (at < 0 && step < 0 ? 1 : 0) + sorted.length) % sorted.length]);
  }

  // Tells the rest of the page which links were clicked.
  const pick = (line) => document.dispatchEvent(new CustomEvent("links", { detail: line.links }));

  // -- words on a link --------------------------------------------------------------------------
  function choose(own, place) {
    if (active && active !== own) { active.glow.removeAttribute("d"); active.place = -1; }
    own.place = place;
    active = place < 0 ? null : own;
    if (place < 0) own.glow.removeAttribute("d");
    else {
      own.glow.setAttribute("d", own.lines[place].d);
      own.glow.setAttribute("stroke-width", own.lines[place].w + 12);
    }
    tell();
  }
  function tell() {
    if (!active) { about.textContent = hint; return; }
    const frame = report.frame();
    const line = active.lines[active.place];
    const parts = line.links.slice(0, 6).map((link) => {
      const held = map.links[link];
      const [whole, now] = [held.gbps, [0, 1].map((way) => capacity(2 * link + way, frame, active.strategy))];
      const gbps = whole[0] === whole[1] ? `${whole[0].toLocaleString("en")} Gbps` : `${whole.map((g) => g.toLocaleString("en")).join(" / ")} Gbps`;
      const left = whole[0] === 0 && whole[1] === 0 ? `, without capacity at the start, now ${now[0].toLocaleString("en")} Gbps`
        : now[0] === 0 && now[1] === 0 ? ", down"
        : now.some((g, way) => g < whole[way] - 1e-9) ? `, of which ${now[0].toLocaleString("en", { maximumFractionDigits: 1 })} stand` : "";
      const loads = [...on].sort((a, b) => a - b).filter((s) => isKnown(s, frame)).map((s) => {
        const each = [0, 1].map((way) => `to ${held.ends[1 - way]} ${percent(share(s, frame, 2 * link + way))}`);
        return `${time.strategies[s].name}: ${each.join(", ")}`;
      });
      return `${held.id} (${held.class}), ${gbps}${left}. ${loads.join("; ")}.`;
    });
    const more = line.links.length > 6 ? ` And ${line.links.length - 6} more links side by side.` : "";
    about.textContent = `${time.labels[frame]}. ${parts.join(" ")}${more}`;
  }

  // -- time -------------------------------------------------------------------------------------
  function paint(frame) {
    built.forEach((own) => {
      let worst = [-1, null];
      own.lines.forEach((line) => {
        const found = state(own.strategy, frame, line);
        const kind = isKnown(own.strategy, frame) ? level(found) : "unknown";
        if (line.kind !== kind) {
          line.seen.setAttribute("class", `link ${kind}`);
          line.kind = kind;
        }
        const mark = kind === "unknown" || kind === "idle" ? "" : found.down ? "✕" : found.worse ? "▼" : "";
        if (line.mark.textContent !== mark) line.mark.textContent = mark;
        if (kind !== "unknown" && found.most > worst[0]) worst = [found.most, line];
      });
      own.worst.textContent = !isKnown(own.strategy, frame) ? "not worked out" : worst[1] ? `fullest: ${map.links[worst[1].links[0]].id} ${percent(worst[0])}` : "";
    });
    if (active) tell();
  }
  function build() {
    const shown = map.views[view];
    active = null;
    built = [...on].sort((a, b) => a - b).map((strategy) => panel(strategy, shown));
    panels.replaceChildren(...built.map((own) => own.figure));
    panels.className = built.length > 1 ? "panels two" : "panels one";
    if (!built.length) panels.append(html("p", {}, "No strategy is chosen."));
    key(shown);
    about.textContent = hint;
    paint(report.frame());
  }
  function swatch(kind, wide) {
    return svg("svg", { viewBox: "0 0 34 12", width: 34, height: 12, "aria-hidden": "true" },
      svg("path", { class: `link ${kind}`, d: "M1 6H33", "stroke-width": wide }));
  }
  function key(shown) {
    const low = Math.round(50 * time.target);
    const target = Math.round(100 * time.target);
    const entries = [["u0", `below ${low} %`], ["u1", `${low} to ${target} %`], ["u2", `${target} % (target) to 100 %`], ["u3", "overloaded"], ["down", "✕ down"]];
    const kinds = [...new Set(shown.nodes.map((each) => each[2]))];
    const words = { pop: "point of presence", region: "region abroad", provincial: "province", super_core: "super core" };
    document.getElementById("map-key").replaceChildren(
      ...entries.map(([kind, text]) => html("span", {}, swatch(kind, 5), ` ${text}`)),
      ...(shown.lines.some((line) => line.idle) ? [html("span", {}, swatch("idle", 1.5), " no capacity at the start")] : []),
      ...(Object.keys(map.changes).length ? [html("span", {}, "▼ part of the capacity is lost")] : []),
      ...shown.widthKey.map(([text, wide]) => html("span", {}, swatch("plain", Math.max(1, wide * 0.54)), ` ${text}`)),
      ...kinds.filter((kind) => NODES[kind]).reverse().map((kind) => html("span", {}, html("i", { class: `shape ${kind}`, "aria-hidden": "true" }, NODES[kind]), ` ${words[kind] || kind}`)),
    );
  }

  const views = document.getElementById("views");
  views.hidden = map.views.length < 2;
  map.views.forEach((each, place) => {
    const radio = html("input", { type: "radio", name: "view", value: place });
    radio.checked = place === 0;
    radio.addEventListener("change", () => { view = place; build(); });
    views.append(html("label", { class: "toggle" }, radio, each.title || "all"));
  });
  report.toggles(document.getElementById("shown"), on, build);
  build();
  report.onFrame(paint);
  function worst() {
    const exits = map.links.flatMap((link, place) => (link.class === "exit" ? [2 * place, 2 * place + 1] : []));
    const watched = exits.length ? exits : map.links.flatMap((_, place) => [2 * place, 2 * place + 1]);
    let [best, at] = [-1, 0];
    time.labels.forEach((_, frame) => use.forEach((_held, strategy) => watched.forEach((direction) => {
      const found = share(strategy, frame, direction);
      if (found > best) [best, at] = [found, frame];
    })));
    return at;
  }
  report.map = { use, redraw: () => { key(map.views[view]); paint(report.frame()); } };
  report.setFrame(data.exits ? report.frame() : worst());
})();
