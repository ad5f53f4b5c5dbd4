// Curves: utilisation of exits over time, one exit large and all of them small.
(() => {
  if (!report.data || !report.data.exits) return;
  const { data, html, svg, percent } = report;
  const { time, exits } = data;
  const frames = time.labels.length;
  const tracks = exits.tracks.map((parts) => parts.map(report.words));
  const on = new Set(time.strategies.map((_, place) => place).filter((place) => time.strategies[place].drawn !== false));
  const isKnown = (strategy, frame) => !report.isKnown || report.isKnown(strategy, frame);
  const fuller = exits.ways[0] === "in" ? 1 : 0;
  const GAP = 65535;
  const chart = document.getElementById("chart");
  const readout = document.getElementById("readout");
  const choice = document.getElementById("exit");
  let span = [0, frames];
  let tip = null;
  let drawn = null;
  let cut = "";

  // -- values: a column is an exit and a direction, or -1 for the fullest of each frame ---------
  const columns = exits.ids.flatMap((_, place) => [2 * place, 2 * place + 1]);
  function value(strategy, part, column, frame) {
    if (!isKnown(strategy, frame)) return NaN;
    const held = tracks[strategy][Math.min(part, tracks[strategy].length - 1)];
    if (column >= 0) {
      const found = held[column * frames + frame];
      return found === GAP ? NaN : found / 1e4;
    }
    return columns.reduce((most, each) => {
      const found = held[each * frames + frame];
      return found === GAP ? most : Math.max(most, found / 1e4);
    }, 0);
  }
  const exact = (column) => exits.peaks[column >> 1][column % 2];
  const peak = (column) => {
    let most = 0;
    tracks.forEach((parts) => parts[parts.length - 1].subarray(column * frames, (column + 1) * frames)
      .forEach((each) => { if (each !== GAP && each > most) most = each; }));
    return most / 1e4;
  };
  const name = (column) => (column < 0 ? "the fullest exit of each moment"
    : `${exits.ids[column >> 1]}, ${column % 2 ? "inbound" : "outbound"}`);

  // -- paths ------------------------------------------------------------------------------------
  function line(strategy, column, x, y) {
    let path = "";
    let open = false;
    for (let f = span[0]; f < span[1]; f += 1) {
      const found = value(strategy, 0, column, f);
      if (Number.isNaN(found)) { open = false; continue; }
      path += `${open ? "L" : "M"}${x(f).toFixed(1)} ${y(found).toFixed(1)}H${x(f + 1).toFixed(1)}`;
      open = true;
    }
    return path;
  }
  function band(strategy, column, x, y) {
    if (tracks[strategy].length < 3) return "";
    let path = "";
    for (let f = span[0]; f < span[1]; f += 1) {
      const [low, high] = [1, 2].map((part) => value(strategy, part, column, f));
      if (Number.isNaN(low) || high - low < 0.001) continue;
      path += `M${x(f).toFixed(1)} ${y(high).toFixed(1)}H${x(f + 1).toFixed(1)}V${y(low).toFixed(1)}H${x(f).toFixed(1)}z`;
    }
    return path;
  }
  function limits(x0, x1, y, top) {
    const found = [svg("line", { class: "target", x1: x0, x2: x1, y1: y(time.target), y2: y(time.target) })];
    if (top >= 1) found.push(svg("line", { class: "full", x1: x0, x2: x1, y1: y(1), y2: y(1) }));
    return found;
  }
  function shades(x, y0, high) {
    const hour = (h) => {
      let f = 0;
      while (f < frames && time.hours[f] < h - 1e-6) f += 1;
      return Math.max(span[0], Math.min(span[1], f));
    };
    return time.events.filter((e) => e.shaded && hour(e.to) > hour(e.from)).map((e) => svg("rect", {
      class: "event", x: x(hour(e.from)), y: y0, width: x(hour(e.to)) - x(hour(e.from)), height: high,
    }));
  }
  const CUT = 2.5;
  function topOf(list, most) {
    return Math.min(most, Math.max(1.1, 1.05 * Math.max(...list)));
  }
  function timeTicks(most) {
    const count = span[1] - span[0];
    const steps = time.days ? [6, 12, 24, 48, 72, 168, 336, 720, 2190] : [0.25, 0.5, 1, 2, 3, 4, 6, 12];
    const hours = time.hours[span[1] - 1] - time.hours[span[0]];
    const step = steps.find((each) => hours / each <= most) || hours;
    const found = [];
    for (let f = span[0]; f < span[1]; f += 1) {
      const [before, here] = [f ? time.hours[f - 1] : -1e9, time.hours[f]];
      if (Math.floor(here / step + 1e-6) > Math.floor(before / step + 1e-6) && count) found.push(f);
    }
    return found;
  }
  const tickLabel = (f) => {
    if (!time.days) return time.labels[f].split(" ").pop();
    const parts = time.labels[f].split(" ");
    return parts[parts.length - 1] === "00:00" || time.hours.length > 200 ? parts.slice(0, 2).join(" ") : time.labels[f];
  };

  // -- the large chart --------------------------------------------------------------------------
  function draw() {
    const column = Number(choice.value);
    const wide = Math.max(300, chart.clientWidth);
    const high = wide < 600 ? 260 : 360;
    const [left, right, above, below] = [46, 10, 10, 30];
    const shown = [...on].sort((a, b) => a - b);
    const most = shown.flatMap((s) => {
      let found = 0;
      for (let f = span[0]; f < span[1]; f += 1) found = Math.max(found, value(s, 2, column, f) || 0);
      return found;
    });
    const top = topOf([1, ...most], 7);
    const step = top > 4 ? 1 : top > 1.6 ? 0.5 : 0.2;
    const x = (f) => left + ((f - span[0]) / (span[1] - span[0])) * (wide - left - right);
    const y = (share) => above + (1 - Math.min(share, top) / top) * (high - above - below);
    const parts = [...shades(x, above, high - above - below)];
    for (let share = 0; share <= top; share += step) {
      parts.push(svg("line", { class: "grid", x1: left, x2: wide - right, y1: y(share), y2: y(share) }));
      parts.push(svg("text", { class: "axis", x: left - 6, y: y(share) + 4, "text-anchor": "end" }, `${Math.round(100 * share)} %`));
    }
    timeTicks(wide < 600 ? 5 : 9).forEach((f) => {
      parts.push(svg("line", { class: "grid", x1: x(f), x2: x(f), y1: high - below, y2: high - below + 4 }));
      const end = x(f) > wide - 40;
      parts.push(svg("text", { class: "axis", x: x(f), y: high - 9, "text-anchor": end ? "end" : "middle" }, tickLabel(f)));
    });
    parts.push(...limits(left, wide - right, y, top));
    shown.forEach((s) => parts.push(svg("path", { class: "band", d: band(s, column, x, y), fill: time.strategies[s].colour })));
    shown.forEach((s) => parts.push(svg("path", {
      class: "line", "data-strategy": s, d: line(s, column, x, y), stroke: time.strategies[s].colour,
      "stroke-dasharray": time.strategies[s].dash,
    })));
    const cursor = svg("line", { class: "cursor", y1: above, y2: high - below });
    const pointer = svg("g", { class: "pointer" });
    const picture = svg("svg", { viewBox: `0 0 ${wide} ${high}`, width: "100%", "aria-hidden": "true" }, ...parts, cursor, pointer);
    tip = html("div", { class: "tip", hidden: "hidden" });
    chart.replaceChildren(picture, tip);
    chart.setAttribute("aria-label", `Utilisation of ${name(column)} over time. Left and right move the time, plus and minus zoom.`);
    drawn = { x, y, wide, left, right, above, high, below, column, cursor, pointer, picture };
    moveCursor(report.frame());
  }

  function moveCursor(frame) {
    if (!drawn) return;
    const inside = frame >= span[0] && frame < span[1];
    const at = drawn.x(frame);
    drawn.cursor.setAttribute("x1", at);
    drawn.cursor.setAttribute("x2", at);
    drawn.cursor.style.display = inside ? "" : "none";
    readout.textContent = `${time.labels[frame]}, ${name(drawn.column)}: ${valuesAt(frame).map(([s, v]) => `${time.strategies[s].name} ${isKnown(s, frame) ? percent(v) : "not worked out"}`).join(", ") || "no strategy chosen"}`;
  }
  const valuesAt = (frame) => [...on].sort((a, b) => a - b).map((s) => [s, value(s, 0, drawn.column, frame)]);

  // -- pointer, keys and zoom -------------------------------------------------------------------
  function frameAt(event) {
    const box = drawn.picture.getBoundingClientRect();
    const inner = ((event.clientX - box.left) / box.width) * drawn.wide;
    const share = (inner - drawn.left) / (drawn.wide - drawn.left - drawn.right);
    return Math.max(span[0], Math.min(span[1] - 1, span[0] + Math.floor(share * (span[1] - span[0]))));
  }
  function point(event) {
    const f = frameAt(event);
    const middle = (drawn.x(f) + drawn.x(f + 1)) / 2;
    drawn.pointer.replaceChildren(
      svg("line", { class: "hover", x1: middle, x2: middle, y1: drawn.above, y2: drawn.high - drawn.below }),
      ...valuesAt(f).filter(([, v]) => !Number.isNaN(v)).map(([s, v]) => svg("circle", { cx: middle, cy: drawn.y(v), r: 4, fill: time.strategies[s].colour, stroke: "#fff" })),
    );
    tip.replaceChildren(html("b", {}, time.labels[f]), ...valuesAt(f).map(([s, v]) => html("div", {}, report.chip(s), `${time.strategies[s].name} ${isKnown(s, f) ? percent(v) : "not worked out"}`)));
    tip.hidden = false;
    const box = chart.getBoundingClientRect();
    const at = (middle / drawn.wide) * box.width;
    tip.style.left = `${at > box.width / 2 ? at - tip.offsetWidth - 14 : at + 14}px`;
    if (drawn.from !== undefined) {
      const [a, b] = [drawn.from, f].sort((p, q) => p - q);
      drawn.pointer.append(svg("rect", { class: "chosen", x: drawn.x(a), width: drawn.x(b + 1) - drawn.x(a), y: drawn.above, height: drawn.high - drawn.above - drawn.below }));
    }
  }
  function leave() {
    if (drawn) { drawn.pointer.replaceChildren(); drawn.from = undefined; }
    if (tip) tip.hidden = true;
  }
  function zoom(begin, end) {
    span = [Math.max(0, Math.round(begin)), Math.min(frames, Math.round(end))];
    if (span[1] - span[0] < 4) span = [Math.max(0, Math.min(span[0], frames - 4)), Math.min(frames, span[0] + 4)];
    draw();
  }
  function zoomBy(factor) {
    const middle = Math.max(span[0], Math.min(span[1], report.frame()));
    const half = ((span[1] - span[0]) * factor) / 2;
    zoom(middle - half, middle + half);
  }
  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") drawn.from = frameAt(event); });
  chart.addEventListener("pointerup", (event) => {
    const [from, to] = [drawn.from, frameAt(event)];
    leave();
    if (from !== undefined && Math.abs(to - from) > 2) zoom(Math.min(from, to), Math.max(from, to) + 1);
    else report.setFrame(to);
  });
  chart.addEventListener("pointerleave", leave);
  chart.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: 12, PageDown: -12 };
    if (event.key in moves) report.setFrame(report.frame() + moves[event.key]);
    else if (event.key === "Home") report.setFrame(0);
    else if (event.key === "End") report.setFrame(frames - 1);
    else if (event.key === "+" || event.key === "=") zoomBy(0.5);
    else if (event.key === "-") zoomBy(2);
    else if (event.key === "0") zoom(0, frames);
    else return;
    event.preventDefault();
  });
  chart.tabIndex = 0;
  chart.setAttribute("role", "group");
  document.getElementById("nearer").addEventListener("click", () => zoomBy(0.5));
  document.getElementById("farther").addEventListener("click", () => zoomBy(2));
  document.getElementById("whole").addEventListener("click", () => zoom(0, frames));

  // -- all exits, small -------------------------------------------------------------------------
  const cursors = [];
  function small() {
    const [wide, high, left] = [250, 110, 30];
    const kept = span;
    span = [0, frames];
    const busy = exits.ids.map((_, place) => place).filter((place) => peak(2 * place) + peak(2 * place + 1) > 0);
    const way = (place) => 2 * place + (peak(2 * place + fuller) > 0 ? fuller : 1 - fuller);
    const peaks = busy.map((place) => peak(way(place)));
    const top = topOf(peaks, CUT);
    cut = Math.max(...peaks) > top ? ` They end at ${percent(CUT)}.` : "";
    const x = (f) => left + (f / frames) * (wide - left - 2);
    const y = (share) => 6 + (1 - Math.min(share, top) / top) * (high - 12);
    cursors.length = 0;
    const cells = busy.map((place) => {
      const column = way(place);
      const cursor = svg("line", { class: "cursor", y1: 6, y2: high - 6 });
      cursors.push([cursor, x]);
      const button = html("button", { type: "button" }, exits.ids[place]);
      button.addEventListener("click", () => { choice.value = column; draw(); document.getElementById("curves").scrollIntoView(); });
      const gbps = exits.capacity[place][column % 2];
      return html("div", { class: "cell" },
        html("p", {}, button, ` ${column % 2 ? "in" : "out"}, ${gbps.toLocaleString("en")} Gbps, peak ${percent(exact(column))}`),
        svg("svg", { viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" },
          ...shades(x, 6, high - 12), ...limits(left, wide - 2, y, top),
          svg("text", { class: "axis", x: left - 4, y: y(1) + 3, "text-anchor": "end" }, "100"),
          svg("text", { class: "axis", x: left - 4, y: y(0) + 1, "text-anchor": "end" }, "0"),
          ...[...on].sort((a, b) => a - b).map((s) => svg("path", { class: "line", d: line(s, column, x, y), stroke: time.strategies[s].colour, "stroke-dasharray": time.strategies[s].dash })),
          cursor));
    });
    document.getElementById("small").replaceChildren(...cells);
    span = kept;
    cursors.forEach((each) => moveSmall(each, report.frame()));
  }
  function moveSmall([cursor, x], frame) {
    cursor.setAttribute("x1", x(frame));
    cursor.setAttribute("x2", x(frame));
  }

  // -- the table of one moment ------------------------------------------------------------------
  const cells = [];
  function table() {
    cells.length = 0;
    const head = html("tr", {}, html("th", { scope: "col", class: "text" }, "exit"), html("th", { scope: "col" }, "Gbps"),
      ...time.strategies.filter((s) => !s.aside).flatMap((s) => ["out", "in"].map((way) => html("th", { scope: "col" }, `${s.name} ${way}`))));
    const body = exits.ids.map((id, place) => {
      const own = time.strategies.flatMap((each, s) => (each.aside ? [] : [0, 1]).map((way) => {
        const cell = html("td", {});
        cells.push([cell, s, 2 * place + way]);
        return cell;
      }));
      const gbps = [...new Set(exits.capacity[place])].map((each) => each.toLocaleString("en")).join(" / ");
      return html("tr", {}, html("th", { scope: "row" }, id), html("td", {}, gbps), ...own);
    });
    document.getElementById("exits-now").replaceChildren(html("thead", {}, head), html("tbody", {}, ...body));
  }
  function fillTable(frame) {
    document.getElementById("now").textContent = time.labels[frame];
    cells.forEach(([cell, strategy, column]) => {
      const found = value(strategy, 0, column, frame);
      cell.textContent = isKnown(strategy, frame) ? percent(found) : "–";
      cell.className = Number.isNaN(found) ? "gone" : found > 1 + 1e-9 ? "over" : found > time.target + 1e-9 ? "near" : "";
    });
  }

  // -- together ---------------------------------------------------------------------------------
  function options() {
    const kept = choice.value;
    choice.replaceChildren(html("option", { value: -1 }, "fullest of each moment"));
    columns.filter((column) => peak(column) > 0).sort((a, b) => (a >> 1) - (b >> 1) || Math.abs((a % 2) - fuller) - Math.abs((b % 2) - fuller)).forEach((column) => {
      choice.append(html("option", { value: column }, `${exits.ids[column >> 1]} ${column % 2 ? "in" : "out"}, peak ${percent(exact(column))}`));
    });
    choice.value = kept;
    if (choice.selectedIndex < 0) choice.value = -1;
  }
  options();
  choice.value = columns.length && peak(fuller) > 0 ? fuller : -1;
  choice.addEventListener("change", draw);
  report.toggles(document.getElementById("lines"), on, () => { draw(); small(); });
  let start = [0, -1];
  for (let f = 0; f < frames; f += 1) {
    tracks.forEach((_, s) => { const found = value(s, 0, -1, f); if (found > start[1]) start = [f, found]; });
  }
  table();
  draw();
  small();
  const spread = time.replications > 1 ? ` Lines are means of ${time.replications} replications, bands reach from the lowest to the highest.` : "";
  const exactly = time.instants ? "Peaks in words are the highest of the instants that are worked out." : "Peaks in words are exact, of the strategy that fills the exit most.";
  const binned = time.instants ? ` Traffic stands still at instants that are ${time.length} apart.` : time.binned ? ` Each point stands for ${time.length}: its mean, and its lowest and highest step.` : ` Each point is the mean of a step of ${time.length}.`;
  document.getElementById("curve-note").textContent = `Solid line: capacity. Dotted: target ${percent(time.target)}. Grey: a failure lasts.${binned}${spread} Small charts show the fuller direction, all on one scale.${cut} ${exactly}`;
  report.onFrame((frame) => {
    moveCursor(frame);
    cursors.forEach((each) => moveSmall(each, frame));
    fillTable(frame);
  });
  report.curves = { tracks, redraw: () => { options(); table(); draw(); small(); fillTable(report.frame()); } };
  report.setFrame(start[0]);
  let resized = null;
  window.addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(draw, 120); });
})();
