// Time: the bar that moves map and curves, by hand or by itself, and the events on it.
(() => {
  const slider = document.getElementById("time");
  if (!report.data || !slider) return;
  const { time } = report.data;
  const play = document.getElementById("play");
  const clock = document.getElementById("clock");
  const speed = document.getElementById("speed");
  const last = time.labels.length - 1;
  let timer = null;
  slider.max = last;

  const events = time.events.map((event) => {
    const until = event.until ? ` until ${event.until}` : "";
    const text = `${event.begin}${until}: ${event.what}`;
    const button = report.html("button", { type: "button" }, text);
    button.addEventListener("click", () => report.setFrame(event.frame));
    document.getElementById("happened").append(report.html("li", {}, button));
    const mark = report.html("span", { class: "tick" });
    const first = time.hours[0];
    const share = (hour) => `${Math.min(100, Math.max(0, (100 * (hour - first)) / (time.end - first)))}%`;
    mark.style.left = share(event.from);
    mark.style.width = event.shaded ? `calc(${share(event.to)} - ${share(event.from)})` : "3px";
    document.getElementById("ticks").append(mark);
    return { ...event, button };
  });

  report.onFrame((frame) => {
    slider.value = frame;
    const now = events.filter((e) => e.shaded && time.hours[frame] >= e.from - 1e-6 && time.hours[frame] < e.to);
    slider.setAttribute("aria-valuetext", [time.labels[frame], ...now.map((e) => e.what)].join(", "));
    clock.textContent = time.labels[frame];
    events.forEach((event) => event.button.classList.toggle("now", now.some((e) => e.button === event.button)));
  });

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }

  function start() {
    if (report.frame() === last) report.setFrame(0);
    timer = setInterval(() => {
      report.setFrame(report.frame() + 1);
      if (report.frame() === last) stop();
    }, 1000 / Number(speed.value));
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
  }

  play.addEventListener("click", () => (timer ? stop() : start()));
  speed.addEventListener("change", () => { if (timer) { stop(); start(); } });
  slider.addEventListener("input", () => report.setFrame(Number(slider.value)));
  document.querySelectorAll("button.go").forEach((button) => {
    button.addEventListener("click", () => {
      report.setFrame(Number(button.dataset.frame));
      document.getElementById("played").scrollIntoView();
      slider.focus({ preventScroll: true });
    });
  });
})();
