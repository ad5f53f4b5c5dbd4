// State: what is moved, in the words of the server, and the answers to it.
const state = (() => {
  if (!report.data || !report.data.explore) return null;
  const { explore, time, exits, map } = report.data;
  const count = explore.names.length;
  const frames = explore.hours.length;
  const fresh = () => ({ exits: {}, international: 1, target: null, schemes: {}, failed: { cable: [], gateway: [], link: [] } });
  const answers = Array.from({ length: 2 * count }, () => new Array(frames).fill(null));
  const shown = Array.from({ length: 2 * count }, () => null);
  let held = fresh();
  let turn = 0;

  async function ask(what, body, signal) {
    const reply = await fetch(what, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
    });
    const found = await reply.json();
    if (!reply.ok) throw new Error(found.letter);
    return found;
  }

  function body(place, frame) {
    const stated = place >= count;
    const own = stated ? fresh() : held;
    return { strategy: explore.names[place % count], at_h: explore.hours[frame], ...own };
  }

  // -- answers become the data of map and curves ------------------------------------------------
  const share = (answer, arc) => (answer.capacity_gbps[arc] > 0 ? answer.load_gbps[arc] / answer.capacity_gbps[arc] : NaN);
  function put(place, frame, answer) {
    answers[place][frame] = answer;
    shown[place] = { frame, answer };
    if (report.map) {
      const arcs = 2 * map.links.length;
      for (let arc = 0; arc < arcs; arc += 1) {
        const found = share(answer, arc);
        report.map.use[place][frame * arcs + arc] = Number.isNaN(found) ? 255 : 100 * found;
      }
    }
    if (report.curves) {
      exits.arcs.forEach((ways, exit) => ways.forEach((arc, way) => {
        const found = share(answer, arc);
        report.curves.tracks[place][0][(2 * exit + way) * frames + frame] = Number.isNaN(found) ? 65535 : 1e4 * found;
      }));
    }
  }
  function forget(places) {
    places.forEach((place) => {
      answers[place].fill(null);
      if (report.curves) report.curves.tracks[place][0].fill(65535);
    });
  }
  function peaks() {
    if (!report.curves) return;
    exits.arcs.forEach((ways, exit) => ways.forEach((arc, way) => {
      let most = 0;
      answers.slice(0, count).forEach((of) => of.forEach((each) => {
        if (each) most = Math.max(most, share(each, arc) || 0);
      }));
      exits.peaks[exit][way] = most;
      exits.capacity[exit][way] = installed(arc);
    }));
  }
  const factor = (id) => {
    const [, gbps] = explore.exits.find(([exit]) => exit === id);
    return gbps > 0 && id in held.exits ? held.exits[id] / gbps : 1;
  };
  const idOf = explore.exitLinks.reduce((found, link, place) => ({ ...found, [link]: explore.exits[place][0] }), {});
  function installed(arc) {
    const id = idOf[arc >> 1];
    const stated = explore.gbps[arc];
    return id === undefined ? stated : stated * factor(id);
  }

  // Numbers without the bounds of bytes, in place of what the page came with.
  const floats = (size, value) => new Float64Array(size).fill(value);
  if (report.map) report.map.use.forEach((_, place) => { report.map.use[place] = floats(2 * map.links.length * frames, 255); });
  if (report.curves) report.curves.tracks.forEach((_, place) => { report.curves.tracks[place] = [floats(2 * exits.ids.length * frames, 65535)]; });

  report.isKnown = (place, frame) => answers[place][frame] !== null;
  report.capacityAt = (arc, frame, place) => {
    const answer = place === undefined ? null : answers[place][frame];
    return answer ? answer.capacity_gbps[arc] : explore.gbps[arc];
  };

  return {
    count, frames, ask, body, put, forget, peaks, share, shown, time,
    answers,
    get held() { return held; },
    get turn() { return turn; },
    reset() { held = fresh(); },
    next() { turn += 1; return turn; },
    isStated: () => JSON.stringify(held) === JSON.stringify(fresh()),
  };
})();
