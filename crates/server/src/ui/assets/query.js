// The query page. Its state stands in the address, in the parameters that links in alerts use: g0.expr, g0.tab, ...

import { api, byId, duration, el, notices, parseDuration, seriesName } from "./common.js";
import { Chart } from "./chart.js";

const RANGES = [60, 300, 900, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200, 4838400, 31536000];
const TABLE_MAX = 5000;
const expression = byId("expression");
const chart = new Chart(byId("graph"));
let tab = "table";
let running = null;

/** Local time as the field wants it; empty stands for now. */
const toField = (seconds) => {
  const date = new Date((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) * 1000);
  return date.toISOString().slice(0, 19);
};
const fromField = (id) => {
  const time = Date.parse(byId(id).value);
  return Number.isNaN(time) ? null : time / 1000;
};

function readAddress() {
  const parameters = new URLSearchParams(location.search);
  const value = (name) => parameters.get(`g0.${name}`) ?? "";
  expression.value = value("expr");
  tab = value("tab") === "0" || value("tab") === "graph" ? "graph" : "table";
  if (value("range_input")) byId("range").value = value("range_input");
  if (value("step_input")) byId("step").value = value("step_input");
  byId("stacked").checked = value("stacked") === "1";
  const end = Date.parse(`${value("end_input").replace(" ", "T")}Z`);
  if (!Number.isNaN(end)) byId("end").value = toField(end / 1000);
  const time = Date.parse(`${value("moment_input").replace(" ", "T")}Z`);
  if (!Number.isNaN(time)) byId("time").value = toField(time / 1000);
}

function writeAddress() {
  const utc = (seconds) => (seconds === null ? "" : new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " "));
  const parameters = new URLSearchParams();
  const set = (name, value) => value && parameters.set(`g0.${name}`, value);
  set("expr", expression.value);
  set("tab", tab === "graph" ? "0" : "1");
  set("range_input", byId("range").value);
  set("step_input", byId("step").value);
  set("stacked", byId("stacked").checked ? "1" : "");
  set("end_input", utc(fromField("end")));
  set("moment_input", utc(fromField("time")));
  history.replaceState(null, "", `?${parameters}`);
}

function showTab() {
  for (const name of ["table", "graph"]) {
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === tab));
    byId(name).hidden = name !== tab;
    byId(`${name}-controls`).hidden = name !== tab;
  }
}

function grow() {
  expression.style.height = "auto";
  expression.style.height = `${expression.scrollHeight + 2}px`;
}

async function run() {
  running?.abort();
  hideSuggestions();
  writeAddress();
  const query = expression.value.trim();
  if (!query) {
    notices();
    byId("table").replaceChildren(el("p", { class: "muted" }, "No expression yet."));
    return;
  }
  running = new AbortController();
  const { signal } = running;
  const started = performance.now();
  try {
    const answer = tab === "graph" ? await runRange(query, signal) : await runInstant(query, signal);
    notices(
      ...(answer.warnings ?? []).map((text) => ["wait", text]),
      ...(answer.infos ?? []).map((text) => ["wait", text]),
    );
    const seconds = (performance.now() - started) / 1000;
    const { result, resultType } = answer.data;
    const count = Array.isArray(result) && (resultType === "vector" || resultType === "matrix") ? `, ${result.length} series` : "";
    byId("stats").textContent = `${duration(seconds)}${count}`;
  } catch (error) {
    if (error.name !== "AbortError") notices(["bad", error.message]);
  }
}

async function runInstant(query, signal) {
  const answer = await api("query", { query, time: fromField("time") ?? Date.now() / 1000 }, { post: true, signal });
  showTable(answer.data);
  return answer;
}

async function runRange(query, signal) {
  const seconds = parseDuration(byId("range").value);
  if (!seconds) throw new Error(`"${byId("range").value}" is not a range such as 1h or 30m.`);
  const end = fromField("end") ?? Date.now() / 1000;
  const start = end - seconds;
  const auto = Math.max(1, Math.floor(seconds / 250));
  const step = byId("step").value ? parseDuration(byId("step").value) : auto;
  if (!step) throw new Error(`"${byId("step").value}" is not a step such as 15s.`);
  const answer = await api("query_range", { query, start, end, step }, { post: true, signal });
  chart.show(answer.data.result, start, end, step, byId("stacked").checked);
  return answer;
}

function showTable({ resultType, result }) {
  const container = byId("table");
  if (resultType === "scalar" || resultType === "string") {
    container.replaceChildren(el("pre", {}, result[1]));
    return;
  }
  if (!result.length) {
    container.replaceChildren(el("p", { class: "muted" }, "Empty query result."));
    return;
  }
  const rows = result.slice(0, TABLE_MAX).map((series) =>
    el("tr", {}, el("td", { class: "labels" }, seriesName(series.metric)), el("td", { class: "number mono" }, value(series))),
  );
  const more = result.length - TABLE_MAX;
  const head = el("thead", {}, el("tr", {}, el("th", {}, "Series"), el("th", {}, "Value")));
  container.replaceChildren(
    el("table", {}, head, el("tbody", {}, rows)),
    ...(more > 0 ? [el("p", { class: "muted" }, `and ${more} more series`)] : []),
  );
}

function value(series) {
  if (series.value) return series.value[1];
  if (series.histogram) return histogram(series.histogram[1]);
  const points = [...(series.values ?? []), ...(series.histograms ?? [])];
  const texts = points.map(([time, point]) => `${typeof point === "string" ? point : histogram(point)} @${time}`);
  return el("pre", {}, texts.join("\n"));
}

const histogram = ({ count, sum }) => `count ${count}, sum ${sum}`;

// Suggestions: metric names for the word before the cursor.
let names = [];
let chosen = -1;
const suggestions = byId("suggestions");
const word = () => expression.value.slice(0, expression.selectionStart).match(/[a-zA-Z_:][a-zA-Z0-9_:]*$/)?.[0] ?? "";

function hideSuggestions() {
  suggestions.hidden = true;
  chosen = -1;
}

function suggest() {
  const typed = word().toLowerCase();
  const before = expression.value.slice(0, expression.selectionStart - typed.length);
  const insideBraces = before.lastIndexOf("{") > before.lastIndexOf("}");
  if (typed.length < 2 || insideBraces) return hideSuggestions();
  const starting = names.filter((name) => name.toLowerCase().startsWith(typed));
  const holding = names.filter((name) => name.toLowerCase().indexOf(typed) > 0);
  const found = [...starting, ...holding].slice(0, 50);
  if (!found.length || found[0].toLowerCase() === typed) return hideSuggestions();
  chosen = -1;
  suggestions.replaceChildren(
    ...found.map((name) => el("li", { on: { mousedown: (event) => { event.preventDefault(); complete(name); } } }, name)),
  );
  suggestions.hidden = false;
}

function complete(name) {
  const at = expression.selectionStart;
  const start = at - word().length;
  expression.setRangeText(name, start, at, "end");
  hideSuggestions();
  grow();
  expression.focus();
}

function choose(step) {
  const items = [...suggestions.children];
  chosen = (chosen + step + items.length) % items.length;
  items.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
  items[chosen].scrollIntoView({ block: "nearest" });
}

expression.addEventListener("input", () => { grow(); suggest(); });
expression.addEventListener("blur", hideSuggestions);
expression.addEventListener("keydown", (event) => {
  const open = !suggestions.hidden;
  if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    choose(event.key === "ArrowDown" ? 1 : -1);
  } else if (open && event.key === "Escape") {
    hideSuggestions();
  } else if (open && chosen >= 0 && (event.key === "Enter" || event.key === "Tab")) {
    event.preventDefault();
    complete(suggestions.children[chosen].textContent);
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    run();
  }
});
byId("form").addEventListener("submit", (event) => { event.preventDefault(); run(); });
for (const name of ["table", "graph"]) {
  byId(`tab-${name}`).addEventListener("click", () => { tab = name; showTab(); run(); });
}
byId("format").addEventListener("click", async () => {
  try {
    expression.value = (await api("format_query", { query: expression.value }, { post: true })).data;
    grow();
    notices();
  } catch (error) {
    notices(["bad", error.message]);
  }
});

function changeRange(direction) {
  const seconds = parseDuration(byId("range").value) ?? 3600;
  const next = direction > 0 ? RANGES.find((range) => range > seconds) : RANGES.findLast((range) => range < seconds);
  if (next) byId("range").value = duration(next).replaceAll(" ", "");
  run();
}

function move(direction) {
  const seconds = parseDuration(byId("range").value) ?? 3600;
  byId("end").value = toField((fromField("end") ?? Date.now() / 1000) + (direction * seconds) / 2);
  run();
}

byId("shorter").addEventListener("click", () => changeRange(-1));
byId("longer").addEventListener("click", () => changeRange(1));
byId("earlier").addEventListener("click", () => move(-1));
byId("later").addEventListener("click", () => move(1));
byId("now").addEventListener("click", () => { byId("end").value = ""; run(); });
byId("time-now").addEventListener("click", () => { byId("time").value = ""; run(); });
for (const id of ["range", "step", "end", "time", "stacked"]) byId(id).addEventListener("change", run);

readAddress();
showTab();
grow();
run();
api("label/__name__/values").then(({ data }) => { names = data; }, () => {});
