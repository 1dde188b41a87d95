"use strict";
// What moves: everything that stands still is in the page without this.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const state = new URLSearchParams(location.hash.slice(1));
  const keep = () => history.replaceState(null, "", "#" + state.toString());
  const set = (key, value) => {
    if (value === null || value === "") state.delete(key); else state.set(key, value);
    keep();
  };
  const make = (name, attributes = {}, text = "") => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  };
  const draw = (name, attributes = {}, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  };
  const values = ({ low, high, log, steps }) => {
    const bytes = atob(steps);
    const found = [];
    for (let at = 0; at < bytes.length; at += 2) {
      const step = bytes.charCodeAt(at) + 256 * bytes.charCodeAt(at + 1);
      const share = step / 65534;
      found.push(step === 65535 ? NaN : log ? low * (high / low) ** share : low + (high - low) * share);
    }
    return found;
  };
  // A curve of a single training: two letters of base64 a value.
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const coarse = ([low, high, log, letters]) => {
    const found = [];
    for (let at = 0; at < letters.length; at += 2) {
      const step = 64 * LETTERS.indexOf(letters[at]) + LETTERS.indexOf(letters[at + 1]), share = step / 4094;
      found.push(step === 4095 ? NaN : log ? low * (high / low) ** share : low + (high - low) * share);
    }
    return found;
  };
  // The epochs that a curve is kept of: every so many, the last, the best.
  const epochs = ([every, last, best]) => {
    const found = [];
    for (let epoch = 1; epoch <= last; epoch++)
      if ((epoch - 1) % every === 0 || epoch === last || epoch === best) found.push(epoch);
    return found;
  };
  const countAt = (n, epoch) => n.reduce((count, [from, of]) => from <= epoch ? of : count, 0);
  const figure = (value) => Number.isFinite(value) ? String(+value.toPrecision(4)) : "–";

  // Theme: the system's until the switch is used.
  const theme = document.getElementById("theme");
  const isDark = () => state.get("theme")
    ? state.get("theme") === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const paint = () => {
    if (state.get("theme")) document.documentElement.dataset.theme = state.get("theme");
    theme.textContent = isDark() ? "Light" : "Dark";
    theme.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
  };
  theme.hidden = false;
  theme.addEventListener("click", () => { set("theme", isDark() ? "light" : "dark"); paint(); });
  paint();

  const DASHES = ["", "6 3", "2 2", "8 3 2 3", "4 2", "10 4", "1 3", "6 2 2 2 2 2"];
  const WIDTH = 760, HEIGHT = 420, STRIP = 56, LEFT = 64, RIGHT = 744, TOP = 12, BOTTOM = 372;

  const ticks = (low, high, log) => {
    const found = [];
    if (log) {
      for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
        for (const factor of Math.log10(high / low) < 2 ? [1, 2, 5] : [1])
          if (factor * 10 ** power >= low && factor * 10 ** power <= high) found.push(factor * 10 ** power);
      if (found.length > 1) return found;
      found.length = 0;
    }
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((step) => step * power >= rough);
    for (let at = Math.ceil(low / step); at * step <= high; at++) found.push(at * step);
    return found;
  };

  const charts = [];
  for (const box of document.querySelectorAll(".curves")) {
    const name = box.closest("[data-experiment]").dataset.experiment;
    const arms = box.dataset.arms.split(",").map(Number);
    const labels = JSON.parse(box.dataset.labels);
    const means = data.means.filter((mean) => arms.includes(mean.arm));
    const columns = [...new Set(means.map((mean) => mean.column))].sort();
    const key = (of) => `${name}.${of}`;
    const get = (of, otherwise) => state.get(key(of)) ?? otherwise;
    const still = box.querySelector("svg");
    let at = null;

    const controls = make("div", { class: "controls" });
    const choice = make("select", { "aria-label": "Column" });
    for (const column of columns) choice.append(make("option", { value: column }, column));
    const option = (of, text) => {
      const label = make("label"), input = make("input", { type: "checkbox" });
      input.checked = get(of) === "1";
      input.addEventListener("change", () => { set(key(of), input.checked ? "1" : "0"); show(); });
      label.append(input, " " + text);
      return [label, input];
    };
    choice.value = columns.includes(get("column")) ? get("column") : columns.includes("val_loss") ? "val_loss" : columns[0];
    choice.addEventListener("change", () => { set(key("column"), choice.value); show(); });
    const [logLabel, log] = option("log", "logarithmic");
    const [seedsLabel, seeds] = option("seeds", "every seed");
    if (get("log") === undefined) log.checked = box.dataset.log === "1" && choice.value === "val_loss";
    controls.append(make("label", {}, "Column "), choice, logLabel, seedsLabel);
    const off = new Set((get("off", "") || "").split(",").filter(Boolean).map(Number));
    arms.forEach((arm, place) => {
      const button = make("button", { type: "button", "aria-pressed": String(!off.has(arm)) });
      const swatch = draw("svg", { class: "swatch", viewBox: "0 0 28 10", width: "28", height: "10", "aria-hidden": "true" });
      swatch.append(draw("line", { class: `s${place % 8}`, x1: 0, x2: 28, y1: 5, y2: 5, "stroke-width": "2.5",
        "stroke-dasharray": DASHES[place % 8] }));
      button.append(swatch, " " + labels[place]);
      button.addEventListener("click", () => {
        off.has(arm) ? off.delete(arm) : off.add(arm);
        button.setAttribute("aria-pressed", String(!off.has(arm)));
        set(key("off"), [...off].join(","));
        show();
      });
      controls.append(button);
    });
    const readout = make("p", { class: "readout", "aria-live": "polite" },
      "Point at the chart, or focus it and use the arrow keys, to read values.");
    box.prepend(controls);
    box.querySelector("figure").insertBefore(readout, box.querySelector("figcaption"));

    const shown = () => means.filter((mean) => mean.column === choice.value && !off.has(mean.arm));
    function show() {
      const curves = shown().map((mean) => ({
        ...mean, epochs: epochs(mean.epochs), y: values(mean.mean), lower: values(mean.lower), upper: values(mean.upper),
        style: arms.indexOf(mean.arm) % 8, label: labels[arms.indexOf(mean.arm)],
        marks: data.marks.find((marks) => marks.arm === mean.arm),
      }));
      const lifted = state.get("seed");
      const single = data.trainings.filter((one) => arms.includes(one.arm) && !off.has(one.arm)
        && (seeds.checked || String(one.seed) === lifted));
      const column = data.columns.indexOf(choice.value);
      // Where there are very many trainings, only some columns of each are in the page.
      seedsLabel.hidden = column < 0;
      const faint = single.filter((one) => column >= 0 && one.columns[column])
        .map((one) => ({ ...one, epochs: epochs(one.epochs), y: coarse(one.columns[column]) }));
      // Intervals have room, but one far wider than its curve does not flatten the curves.
      const edges = (curve) => {
        const there = curve.y.filter(Number.isFinite);
        const [least, most] = [Math.min(...there), Math.max(...there)];
        const room = Math.max(most - least, 0.25 * Math.abs(most));
        return [...curve.lower, ...curve.upper].filter(Number.isFinite)
          .map((value) => Math.min(most + room, Math.max(least - room, value)));
      };
      const all = [...curves.flatMap((curve) => [...curve.y, ...edges(curve)]), ...faint.flatMap((one) => one.y)]
        .filter((value) => Number.isFinite(value) && (!log.checked || value > 0));
      const last = Math.max(2, ...curves.flatMap((curve) => curve.epochs));
      let low = Math.min(...all), high = Math.max(...all);
      if (!all.length) { low = log.checked ? 0.1 : 0; high = 1; }
      if (high === low) { high = low + Math.max(Math.abs(low), 1) * 0.1; }
      if (log.checked) { const room = (high / low) ** 0.04; low /= room; high *= room; }
      else { const room = (high - low) * 0.04; low -= room; high += room; }
      const x = (epoch) => LEFT + (epoch - 1) / (last - 1) * (RIGHT - LEFT);
      const y = (value) => {
        const share = log.checked ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
        return Math.min(BOTTOM, Math.max(TOP, BOTTOM - share * (BOTTOM - TOP)));
      };
      const placed = (value) => Number.isFinite(value) && (!log.checked || value > 0);
      const path = (epochs, heights, from = 0, to = epochs.length) => {
        let text = "", pen = "M";
        for (let index = from; index < to; index++) {
          if (!placed(heights[index])) { pen = "M"; continue; }
          text += `${pen}${x(epochs[index]).toFixed(1)} ${y(heights[index]).toFixed(1)}`;
          pen = "L";
        }
        return text;
      };
      const hasCounts = curves.some((curve) => curve.n.length > 1);
      const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + (hasCounts ? STRIP : 0)}`, role: "img", tabindex: "0", "font-size": "12",
        "aria-label": `${choice.value} of ${name} by epoch; arrow keys read values` });
      for (const value of ticks(low, high, log.checked)) {
        svg.append(draw("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(value), y2: y(value) }),
          draw("text", { class: "ink", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, figure(value)));
      }
      for (const value of ticks(1, last, false)) {
        if (!Number.isInteger(value)) continue;
        svg.append(draw("text", { class: "ink", x: x(value), y: BOTTOM + 18, "text-anchor": "middle" }, String(value)));
      }
      svg.append(draw("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM }),
        draw("line", { class: "axis", x1: LEFT, x2: LEFT, y1: TOP, y2: BOTTOM }),
        draw("text", { class: "ink", x: (LEFT + RIGHT) / 2, y: BOTTOM + 38, "text-anchor": "middle" }, "epoch"),
        draw("text", { class: "ink", x: 12, y: (TOP + BOTTOM) / 2, "text-anchor": "middle",
          transform: `rotate(-90 12 ${(TOP + BOTTOM) / 2})` }, choice.value));
      for (const curve of curves) {
        const whole = curve.epochs.filter((epoch) => epoch <= curve.whole).length;
        const band = curve.epochs.slice(0, whole).map((epoch, index) => [epoch, curve.lower[index], curve.upper[index]])
          .filter(([, lower, upper]) => Number.isFinite(lower) && Number.isFinite(upper));
        if (band.length > 1) {
          const edge = (of) => band.map((row) => `${x(row[0]).toFixed(1)} ${placed(row[of]) ? y(row[of]).toFixed(1) : BOTTOM}`);
          svg.append(draw("path", { class: `s${curve.style} band`, "fill-opacity": "0.16",
            d: `M${edge(1).join("L")}L${edge(2).reverse().join("L")}Z` }));
        }
      }
      for (const one of faint) {
        const isLifted = String(one.seed) === lifted && (!state.get("arm") || state.get("arm") === String(one.arm));
        svg.append(draw("path", { class: `s${arms.indexOf(one.arm) % 8} ${isLifted ? "lifted" : ""}`, fill: "none",
          "stroke-opacity": isLifted ? "1" : "0.3", "stroke-width": isLifted ? "2.5" : "0.6", d: path(one.epochs, one.y) }));
      }
      for (const curve of curves) {
        const whole = curve.epochs.filter((epoch) => epoch <= curve.whole).length;
        svg.append(
          draw("path", { class: `s${curve.style}`, fill: "none", "stroke-width": "1.8", "stroke-dasharray": DASHES[curve.style],
            d: path(curve.epochs, curve.y, 0, whole) }),
          draw("path", { class: `s${curve.style}`, fill: "none", "stroke-width": "0.9", "stroke-dasharray": "1 2",
            d: path(curve.epochs, curve.y, Math.max(0, whole - 1)) }));
      }
      for (const curve of curves) {
        const { stops = [], best = null } = curve.marks ?? {};
        for (const stop of stops)
          svg.append(draw("line", { class: `s${curve.style} rug`, x1: x(stop), x2: x(stop), y1: BOTTOM - 6, y2: BOTTOM }));
        const index = best === null ? -1 : curve.epochs.indexOf(Math.min(curve.epochs.at(-1), Math.max(1, Math.round(best))));
        if (index >= 0 && placed(curve.y[index])) {
          const group = draw("g", { class: `s${curve.style}` });
          group.append(draw("circle", { class: "dot", cx: x(curve.epochs[index]), cy: y(curve.y[index]), r: 3.4 }));
          svg.append(group);
        }
      }
      if (hasCounts) {
        const most = Math.max(...curves.flatMap((curve) => curve.n.map(([, n]) => n)));
        const top = BOTTOM + 52, foot = top + 34, height = (n) => foot - n / most * (foot - top);
        svg.append(draw("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: foot, y2: foot, "stroke-width": "0.5" }),
          draw("text", { class: "faint", x: LEFT - 6, y: foot + 4, "text-anchor": "end" }, "0"),
          draw("text", { class: "faint", x: LEFT - 6, y: top + 4, "text-anchor": "end" }, String(most)),
          draw("text", { class: "faint", x: 12, y: (top + foot) / 2, "text-anchor": "middle",
            transform: `rotate(-90 12 ${(top + foot) / 2})` }, "n"));
        for (const curve of curves) {
          let text = "";
          for (const [from, n] of curve.n) text += text ? `H${x(from).toFixed(1)}V${height(n).toFixed(1)}` : `M${x(from).toFixed(1)} ${height(n).toFixed(1)}`;
          svg.append(draw("path", { class: `s${curve.style} count`, fill: "none", "stroke-width": "0.8",
            "stroke-dasharray": DASHES[curve.style], d: `${text}H${x(curve.epochs.at(-1)).toFixed(1)}` }));
        }
      }
      const cross = draw("line", { class: "axis", y1: TOP, y2: BOTTOM, "stroke-dasharray": "2 2", visibility: "hidden" });
      svg.append(cross);
      const read = (epoch) => {
        at = Math.min(last, Math.max(1, Math.round(epoch)));
        cross.setAttribute("x1", x(at)); cross.setAttribute("x2", x(at)); cross.setAttribute("visibility", "visible");
        const parts = curves.map((curve) => {
          // Of long curves not every epoch is in the page: the nearest is read, and named.
          if (at > curve.epochs.at(-1)) return `${curve.label}: ended`;
          const index = curve.epochs.reduce((best, epoch, place) =>
            Math.abs(epoch - at) < Math.abs(curve.epochs[best] - at) ? place : best, 0);
          const named = curve.epochs[index] === at ? "" : ` at epoch ${curve.epochs[index]}`;
          const interval = Number.isFinite(curve.lower[index]) && at <= curve.whole
            ? ` (${figure(curve.lower[index])} to ${figure(curve.upper[index])})` : "";
          return `${curve.label}: ${figure(curve.y[index])}${named}${interval}, n = ${countAt(curve.n, curve.epochs[index])}`;
        });
        readout.textContent = `Epoch ${at}. ` + parts.join("; ");
      };
      const where = (event) => {
        const box = svg.getBoundingClientRect();
        return 1 + ((event.clientX - box.left) / box.width * WIDTH - LEFT) / (RIGHT - LEFT) * (last - 1);
      };
      svg.addEventListener("pointermove", (event) => read(where(event)));
      svg.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        read((at ?? 1) + step);
      });
      const old = box.querySelector("figure svg");
      const hadFocus = document.activeElement === old;
      old.replaceWith(svg);
      if (hadFocus) svg.focus();
    }
    charts.push(show);
    // The picture of the page stays until something is asked for that it does not show.
    const asked = ["column", "log", "seeds", "off"].some((of) => get(of) !== undefined) || state.get("seed");
    if (asked) show();
    else still.addEventListener("pointerenter", show, { once: true });
    still.setAttribute("tabindex", "0");
    still.addEventListener("focus", show, { once: true });
  }

  // The table of trainings: sorted by its headings, filtered, a row lifts its seed.
  const table = document.querySelector("table.runs");
  if (table) {
    document.getElementById("runs-hint").hidden = false;
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = make("button", { type: "button" }, heading.textContent);
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...body.rows];
        const value = (row) => row.cells[column].textContent;
        rows.sort((a, b) => {
          const [p, q] = [value(a), value(b)], [n, m] = [Number(p), Number(q)];
          // Numbers before words.
          const [isP, isQ] = [p !== "" && !isNaN(n), q !== "" && !isNaN(m)];
          const order = isP && isQ ? n - m : isP !== isQ ? (isP ? -1 : 1) : p.localeCompare(q);
          return up ? order : -order;
        });
        body.append(...rows);
      });
    });
    const filter = document.getElementById("filter");
    const sift = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of body.rows)
        row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    };
    filter.value = state.get("filter") ?? "";
    filter.addEventListener("input", () => { set("filter", filter.value); sift(); });
    sift();
    const lift = () => {
      for (const row of body.rows)
        row.classList.toggle("lifted", row.dataset.seed === state.get("seed") && row.dataset.arm === state.get("arm"));
    };
    const choose = (row) => {
      const isSame = row.classList.contains("lifted");
      set("seed", isSame ? null : row.dataset.seed);
      set("arm", isSame ? null : row.dataset.arm);
      lift();
      for (const show of charts) show();
    };
    for (const row of body.rows) row.tabIndex = 0;
    body.addEventListener("click", (event) => { const row = event.target.closest("tr"); if (row) choose(row); });
    body.addEventListener("keydown", (event) => {
      const row = event.target.closest("tr");
      if (row && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(row); }
    });
    lift();
  }
})();
