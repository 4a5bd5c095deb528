// Live parts, keys, times in the reader's zone, plots. Every page works without it.
"use strict";
(() => {
  const SILENT_MS = 5000;
  const AGAIN_MS = 2000;
  const body = document.body;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  // Times: the server writes UTC, the reader sees their own zone. The tooltip keeps UTC.
  const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  const date = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  function localize(within) {
    for (const each of all("time[datetime]", within)) {
      const at = new Date(each.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      if (!each.title) each.title = each.textContent;
      each.textContent = (each.dataset.form === "time" ? time : date).format(at);
    }
  }

  // Rows: j and k move, Enter opens. A row that is replaced keeps the focus by the address that it opens.
  const rows = () => all("[data-row] [data-open]");
  function move(step) {
    const found = rows();
    if (!found.length) return;
    const at = found.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : found.length - 1) : Math.min(found.length - 1, Math.max(0, at + step));
    found[next].focus();
    found[next].scrollIntoView({ block: "nearest" });
  }

  const help = document.getElementById("help");
  const search = document.getElementById("search");
  const typing = (target) => target.matches("input, textarea, select") || target.isContentEditable;
  document.addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.metaKey || press.altKey || !help) return;
    if (press.key === "Escape") {
      if (help.open) return; // the dialog closes itself
      if (typing(press.target)) press.target.blur();
      else if (document.querySelector("[data-up]")) location.href = all("[data-up]").pop().href;
      return;
    }
    if (typing(press.target) || help.open) return;
    if (press.key === "/") { search.focus(); search.select(); }
    else if (press.key === "j") move(1);
    else if (press.key === "k") move(-1);
    else if (press.key === "?") help.showModal();
    else return;
    press.preventDefault();
  });
  const keys = document.getElementById("keys");
  if (keys) {
    keys.hidden = false;
    keys.addEventListener("click", () => help.showModal());
  }

  // Copy buttons: <button data-copy="identity of the element with the text" hidden>.
  function copyButtons(within) {
    for (const each of all("button[data-copy]", within)) if (navigator.clipboard) each.hidden = false;
  }
  document.addEventListener("click", async (click) => {
    const button = click.target.closest("button[data-copy]");
    if (!button) return;
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    } catch { button.textContent = "Not copied"; }
    setTimeout(() => { button.textContent = before; }, 1500);
  });

  // Plots: uPlot in place of the SVG, with the data of the page's own JSON.
  const plots = new Map();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  function aligned(plot) {
    // At least a sixth of the span: the axis of a single point would be years long. All of it where some was not read.
    const least = plot.incomplete_before ? plot.start : plot.end - (plot.end - plot.start) / 6;
    const first = Math.min(...plot.lines.flatMap((line) => line.at), least);
    const ends = [Math.max(first, plot.start), plot.end];
    const times = [...new Set([...ends, ...plot.lines.flatMap((line) => line.at)])].sort((a, b) => a - b);
    const series = plot.lines.map((line) => {
      const known = new Map(line.at.map((at, index) => [at, line.lags_s[index]]));
      return times.map((at) => known.has(at) ? known.get(at) : null);
    });
    return [times, ...series];
  }
  function draw(figure, plot) {
    const width = figure.clientWidth;
    const key = plot.span;
    const drawn = plots.get(key);
    const names = plot.lines.map((line) => line.link).join("\n");
    if (drawn && drawn.names === names && drawn.figure.isConnected) { drawn.chart.setData(aligned(plot)); return; }
    if (drawn) drawn.chart.destroy();
    const edge = { stroke: colour("edge"), width: 1 };
    const axis = { stroke: colour("dim"), grid: edge, ticks: edge };
    const lines = plot.lines.map((line, index) => ({
      label: line.label, stroke: colour(`line${index + 1}`), width: 1.5, value: (_, lag) => lag === null ? "–" : `${lag} s`,
    }));
    for (const each of [figure.querySelector("svg"), figure.querySelector(".legend")]) each.setAttribute("hidden", "");
    const options = { width, height: 220, scales: { y: { range: (_, low, high) => [0, Math.max(1, high)] } },
      axes: [axis, { ...axis, values: (_, marks) => marks.map((mark) => `${mark} s`), size: 64 }], series: [{}, ...lines] };
    plots.set(key, { chart: new uPlot(options, aligned(plot), figure), names, figure });
  }
  const figures = () => all("figure[data-plot]").filter((each) => each.querySelector("svg"));
  let busy = false;
  let again = false;
  async function refreshPlots() {
    if (typeof uPlot === "undefined" || !figures().length) return;
    again = busy;
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch(new URL(body.dataset.live.replace(".live", ".json"), location.href));
      const found = answer.ok ? (await answer.json()).plots : [];
      for (const figure of figures()) { // those that are there now: the part may have been replaced meanwhile
        const plot = found.find((each) => each.span === figure.dataset.plot);
        if (plot && plot.lines.length) draw(figure, plot);
      }
    } catch { again = true; }
    setTimeout(() => { busy = false; if (again) refreshPlots(); }, 5000);
  }

  // Live parts. The browser sends Last-Event-ID by itself when it comes back.
  const lost = document.getElementById("lost");
  let seen = Date.now();
  function replace(parts) {
    for (const [ident, html] of Object.entries(parts)) {
      const part = document.getElementById(ident);
      if (!part) continue;
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      if (focused && typing(focused)) continue; // somebody is writing there
      if (part.querySelector(".uplot")) { refreshPlots(); continue; }
      const address = focused ? focused.getAttribute("href") : null;
      const ident_of_focus = focused ? focused.id : "";
      const open = all("details[id][open]", part).map((each) => each.id);
      part.innerHTML = html;
      localize(part);
      copyButtons(part);
      for (const each of open) { const details = document.getElementById(each); if (details) details.open = true; }
      if (address !== null) {
        const again = all("a[href]", part).find((each) => each.getAttribute("href") === address);
        if (again) again.focus();
      } else if (ident_of_focus && document.getElementById(ident_of_focus)) {
        document.getElementById(ident_of_focus).focus();
      }
      if (part.querySelector("figure[data-plot]")) refreshPlots();
    }
  }
  if (body.dataset.live) {
    const address = new URL(body.dataset.live, location.href);
    address.searchParams.set("have", body.dataset.have);
    const signedOut = document.getElementById("signed_out");
    let stream = null;
    const alive = () => { seen = Date.now(); lost.hidden = true; signedOut.hidden = true; };
    const leave = () => { if (stream) stream.close(); stream = null; };
    function follow() {
      leave();
      stream = new EventSource(address);
      stream.addEventListener("parts", (event) => {
        alive();
        address.searchParams.set("have", event.lastEventId);
        replace(JSON.parse(event.data));
      });
      stream.addEventListener("feed", alive);
      stream.addEventListener("error", (event) => { if (event.target.readyState === EventSource.CLOSED) refused(event.target); });
    }
    // The browser gives up after an answer such as 401, or 502 of a proxy while the console is started anew.
    async function refused(which) {
      const control = new AbortController();
      try { signedOut.hidden = (await fetch(address, { signal: control.signal })).status !== 401; } catch { /* still away */ }
      control.abort();
      setTimeout(() => { if (stream === which) follow(); }, AGAIN_MS);
    }
    // A browser has six connections to a host: tabs that nobody sees leave theirs to others.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) leave(); else if (!stream) { seen = Date.now(); follow(); }
    });
    setInterval(() => { lost.hidden = document.hidden || !signedOut.hidden || Date.now() - seen < SILENT_MS; }, 500);
    addEventListener("pagehide", leave);
    if (!document.hidden) follow();
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  localize(document);
  copyButtons(document);
  refreshPlots();
})();
