// Explore: asks for the instant under the slider first, then for the day, and shows the answers.
(() => {
  if (!state) return;
  const { explore, time } = report.data;
  const { html, percent } = report;
  const { count, frames, answers } = state;
  const at = (id) => document.getElementById(id);
  const quick = (place) => explore.paces[place % count] === "at once" && !(place < count && Object.keys(state.held.schemes).length);
  const requested = new Set();
  const allDay = new Set();
  const stopped = { quick: new AbortController(), slow: new AbortController() };
  const busy = { quick: null, slow: null };
  const failedAt = new Map();
  const both = (place) => [place, place + count];
  const explored = [...Array(count).keys()];

  // -- what to ask next -------------------------------------------------------------------------
  const waits = () => explored.some((place) => quick(place) && !answers[place][report.frame()] && !failedAt.has(place));
  function next(lane) {
    const frame = report.frame();
    if (lane === "slow" && waits()) return null; // the cores are for what answers at once
    const order = [...Array(frames).keys()].sort((a, b) => Math.abs(a - frame) - Math.abs(b - frame));
    const open = explored.flatMap(both).filter((place) => (lane === "quick") === quick(place));
    const wanted = (place, f) => {
      const own = place % count;
      if (answers[place][f] || failedAt.has(place)) return false;
      if (lane === "quick") return true;
      if (explore.paces[own] === "on request" && !requested.has(`${own} ${f}`)) return allDay.has(own);
      return f === frame || allDay.has(own);
    };
    for (const f of order) {
      const place = open.sort((a, b) => a - b).find((each) => wanted(each, f));
      if (place !== undefined) return [place, f];
    }
    return null;
  }

  async function run(lane) {
    if (busy[lane]) return;
    for (let job = next(lane); job; job = next(lane)) {
      const [place, frame] = job;
      const turn = state.turn;
      busy[lane] = job;
      figures();
      try {
        const answer = await state.ask("answer", state.body(place, frame), stopped[lane].signal);
        if (turn === state.turn || place >= count) state.put(place, frame, answer);
      } catch (error) {
        if (error.name !== "AbortError" && turn === state.turn) {
          failedAt.set(place, error.message);
          letter(error.message);
        }
      }
      busy[lane] = null;
      if (lane === "quick" && !waits()) run("slow");
      const soon = answers.some((of, each) => quick(each) && !of[report.frame()]);
      show(!soon && (frame === report.frame() || !next(lane) || frame % 6 === 0));
    }
  }

  // -- changes ----------------------------------------------------------------------------------
  state.changed = () => {
    state.next();
    ["quick", "slow"].forEach((lane) => { stopped[lane].abort(); stopped[lane] = new AbortController(); });
    state.forget(explored);
    failedAt.clear();
    requested.clear();
    allDay.clear();
    at("letter").hidden = true;
    time.target = state.held.target ?? explore.target;
    figures();
    begin();
    words();
  };
  function begin() { run("quick"); run("slow"); }

  function letter(text) {
    at("letter").textContent = text;
    at("letter").hidden = false;
  }

  async function words() {
    const turn = state.turn;
    try {
      const found = await state.ask("words", state.body(0, 0));
      if (turn !== state.turn) return;
      at("yaml").textContent = found.yaml;
      at("command").textContent = found.command;
      at("copy-yaml").disabled = !found.yaml;
    } catch (error) {
      if (turn === state.turn) letter(error.message);
    }
  }
  [["copy-yaml", "yaml"], ["copy-command", "command"]].forEach(([button, text]) => {
    at(button).addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(at(text).textContent);
        at("copied").textContent = "Copied.";
      } catch {
        getSelection().selectAllChildren(at(text));
        at("copied").textContent = "Selected: copy it with the keys of your browser.";
      }
    });
  });

  // -- figures ----------------------------------------------------------------------------------
  const watched = explore.exitLinks.length ? explore.exitLinks.flatMap((link) => [2 * link, 2 * link + 1]) : explore.gbps.map((_, arc) => arc);
  function fullest(answer) {
    let best = [-1, null];
    watched.forEach((arc) => { const found = state.share(answer, arc); if (found > best[0]) best = [found, arc]; });
    return best;
  }
  const gbps = (value) => `${value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 })}\u00a0Gbps`;
  const ms = (value) => (value === null ? "–" : `${value.toFixed(1)}\u00a0ms`);
  const COLUMNS = [
    ["fullest exit", "utilisation", (a) => fullest(a)[0], (v) => percent(v), (a) => (fullest(a)[1] === null ? "" : explore.arcs[fullest(a)[1]]), (v) => `${v > 0 ? "+" : "−"}${Math.abs(100 * v).toFixed(1)} points`],
    ["latency abroad, one way", "latency", (a) => a.abroad_latency_ms, ms, () => "", (v) => `${v > 0 ? "+" : "−"}${Math.abs(v).toFixed(1)} ms`],
    ["not served", "lost", (a) => a.lost_gbps, gbps, (a) => (a.cut_off_gbps > 0 ? `${gbps(a.cut_off_gbps)} of it cut off` : ""), (v) => `${v > 0 ? "+" : "−"}${gbps(Math.abs(v))}`],
  ];
  if (!explore.exitLinks.length) COLUMNS[0][0] = "fullest link";
  if (!explore.abroad) { COLUMNS[1][0] = "latency, one way"; COLUMNS[1][2] = (a) => a.latency_ms; }

  function cell([, key, value, words, more, difference], answer, stated) {
    const now = value(answer);
    const found = html("td", {}, now === null ? "–" : words(now), more(answer) ? html("span", { class: "base" }, more(answer)) : "");
    if (!stated) return found;
    const before = value(stated);
    if (before === null || now === null) return found;
    const step = now - before;
    const small = Math.abs(step) < 1e-9 * Math.max(1, Math.abs(before));
    found.append(html("span", { class: `base ${small || key === "latency" ? "" : step > 0 ? "worse" : "better"}` }, small ? "as stated" : `${difference(step)} on ${words(before)}`));
    return found;
  }
  function waitingCell(place) {
    const own = html("td", { colspan: COLUMNS.length, class: "text" });
    const frame = report.frame();
    if (failedAt.has(place)) own.append("no answer");
    else if (explore.paces[place] === "on request" && !requested.has(`${place} ${frame}`)) {
      own.append(button(place, "Work it out here", () => requested.add(`${place} ${frame}`)), html("span", { class: "base" }, "It learns what neighbours do first, which takes seconds."));
    } else own.append("being worked out …");
    return own;
  }
  function button(place, text, then) {
    const made = html("button", { type: "button" }, text);
    made.addEventListener("click", () => { then(); begin(); figures(); });
    made.setAttribute("aria-label", `${text}: ${time.strategies[place].name}`);
    return made;
  }
  function row(place) {
    const frame = report.frame();
    const [answer, stated] = [answers[place][frame], answers[place + count][frame]];
    const scheme = state.held.schemes[explore.names[place]] || explore.schemes[place];
    const head = html("th", { scope: "row" }, report.chip(place), time.strategies[place].name, html("span", { class: "state" }, `${scheme}${time.strategies[place].bound ? ", a bound" : ""}`));
    const slow = !quick(place) && answer && !allDay.has(place) && answers[place].some((each) => !each);
    const last = state.shown[place];
    if (!answer && last && last.frame === frame && !failedAt.has(place) && quick(place)) {
      return html("tr", { class: "working" }, head, ...COLUMNS.map((each) => cell(each, last.answer, stated)));
    }
    const cells = answer ? COLUMNS.map((each) => cell(each, answer, stated)) : [waitingCell(place)];
    if (slow) cells[cells.length - 1].append(html("span", { class: "base" }, button(place, "Work out the whole day", () => allDay.add(place))));
    return html("tr", {}, head, ...cells);
  }
  function figures() {
    const frame = report.frame();
    at("figures-time").textContent = time.labels[frame];
    const focused = document.activeElement && document.activeElement.closest("#figures-table button");
    const label = focused && focused.getAttribute("aria-label");
    const head = html("tr", {}, html("th", { scope: "col", class: "text" }, "strategy"), ...COLUMNS.map(([name, key]) => html("th", { scope: "col" }, name, html("span", { class: "ground" }, `rests on: ${ground(key)}`))));
    at("figures-table").replaceChildren(html("thead", {}, head), html("tbody", {}, ...explored.map(row)));
    if (label) {
      const again = [...at("figures-table").querySelectorAll("button")].find((each) => each.getAttribute("aria-label") === label);
      (again || at("figures-table").parentElement).focus({ preventScroll: true });
    }
    const open = explored.filter((place) => quick(place)).flatMap(both).reduce((sum, place) => sum + answers[place].filter((each) => !each).length, 0);
    const slow = busy.slow ? ` Working out ${time.strategies[busy.slow[0]].name} at ${time.labels[busy.slow[1]]}.` : "";
    at("working").textContent = `${open ? `${open} instants of the day to come.` : "The day is worked out for the strategies that answer at once."}${slow}`;
    const cut = explored.map((place) => answers[place][frame]).find((each) => each && each.cut_off.length);
    at("cut-off").textContent = cut ? `Without a way at all: ${cut.cut_off.map(([place, part]) => `${place} (${percent(part)} of its traffic)`).join(", ")}${cut.cut_off_places > cut.cut_off.length ? ` and ${cut.cut_off_places - cut.cut_off.length} more` : ""}.` : "";
    sentence(frame);
  }
  function worst(kinds) {
    const order = ["not said", "assumed, no range", "assumed", "derived", "cited", "measured"];
    return order[Math.min(...kinds.map((kind) => order.indexOf(explore.grounds[kind].kind)))];
  }
  const anyFailed = () => Object.values(state.held.failed).some((each) => each.length);
  const ground = (key) => worst(anyFailed() ? [key, "failures"] : [key]);

  function sentence(frame) {
    const known = explored.filter((place) => answers[place][frame]);
    if (!known.length || explored.some((place) => quick(place) && !answers[place][frame])) return;
    const parts = known.map((place) => {
      const [most, arc] = fullest(answers[place][frame]);
      const lost = answers[place][frame].lost_gbps;
      return `${time.strategies[place].name} fills ${arc === null ? "nothing" : `${explore.arcs[arc]} to ${percent(most)}`}${lost > 0 ? ` and loses ${gbps(lost)}` : ""}`;
    });
    const down = Object.entries(state.held.failed).flatMap(([kind, ids]) => (ids.length ? [`${kind} ${ids.join(", ")} down`] : []));
    const moved = [
      ...down,
      ...(Object.keys(state.held.exits).length ? [`${Object.keys(state.held.exits).length} exit capacities moved`] : []),
      ...(state.held.international !== 1 ? [`international traffic × ${state.held.international}`] : []),
      ...Object.entries(state.held.schemes).map(([name, kind]) => `${name} with ${kind}`),
      ...(state.held.target !== null ? [`target ${percent(state.held.target)}`] : []),
    ];
    const text = `${time.labels[frame]}, ${moved.join(", ") || "as stated"}: ${parts.join("; ")}.`;
    if (at("sentence").textContent !== text) at("sentence").textContent = text;
  }

  function fields(list) {
    if (!list.length) return "no field";
    const kinds = [...new Set(list.map(([, kind]) => kind))];
    const tell = kinds.map((kind) => `${list.filter((each) => each[1] === kind).length} ${kind}`).join(", ");
    return html("details", {}, html("summary", {}, tell), html("ul", { class: "notes" }, ...list.map(([of, kind]) => html("li", {}, `${of}: ${kind}`))));
  }
  function grounds() {
    const words = { utilisation: "utilisation of exits and links", latency: "latency", lost: "not served", failures: "what a failure takes away", capacity: "capacities", traffic: "traffic" };
    const rows = Object.entries(explore.grounds).map(([key, each]) => html("tr", {}, html("th", { scope: "row" }, words[key]), html("td", { class: "text" }, each.kind), html("td", { class: "text" }, fields(each.fields))));
    at("grounds").append(html("thead", {}, html("tr", {}, ...["figure", "least sure input", "rests on"].map((text) => html("th", { scope: "col", class: "text" }, text)))), html("tbody", {}, ...rows));
  }

  function show(curvesToo) {
    figures();
    if (report.map) report.map.redraw();
    if (curvesToo && report.curves) { state.peaks(); report.curves.redraw(); }
  }
  report.onFrame(() => { figures(); begin(); });
  at("sentence").setAttribute("aria-live", "polite");
  grounds();
  report.setFrame(explore.busiest);
  words();
  begin();
})();
