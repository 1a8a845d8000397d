// Targets by scrape pool, with the reason when one is down.

import { ago, api, byId, duration, el, filterField, labels, refresh, replaceKeepingOpen } from "./common.js";

const KINDS = { up: "good", down: "bad", unknown: "wait" };
let pools = new Map();
let dropped = [];
let text = "";
let onlyDown = false;

byId("controls").append(
  filterField("Filter by address or label", (event) => { text = event.target.value.toLowerCase(); show(); }),
  el("label", {}, el("input", { type: "checkbox", on: { change: (event) => { onlyDown = event.target.checked; show(); } } }), " Only unhealthy"),
);

const holds = (target) =>
  (!onlyDown || target.health !== "up") &&
  (!text || `${target.scrapeUrl} ${Object.entries(target.labels).map((pair) => pair.join("="))}`.toLowerCase().includes(text));

function row(target) {
  return el("tr", {},
    el("td", { class: "wrap" }, el("a", { href: target.globalUrl, rel: "noreferrer" }, target.scrapeUrl)),
    el("td", {}, el("span", { class: `badge ${KINDS[target.health] ?? ""}` }, target.health.toUpperCase())),
    el("td", { title: Object.entries(target.discoveredLabels).map(([name, value]) => `${name}="${value}"`).join("\n") }, labels(target.labels)),
    el("td", { "data-name": "Last scrape" }, ago(target.lastScrape)),
    el("td", { "data-name": "Duration" }, duration(target.lastScrapeDuration)),
    el("td", { class: "wrap" }, target.lastError ? el("span", { class: "badge bad wrap" }, "error") : "", target.lastError ? ` ${target.lastError}` : ""),
  );
}

function pool([name, targets]) {
  const shown = targets.filter(holds);
  if (!shown.length && (text || onlyDown)) return null;
  const up = targets.filter((target) => target.health === "up").length;
  const kind = up === targets.length ? "good" : "bad";
  const head = el("thead", {}, el("tr", {}, ["Endpoint", "State", "Labels", "Last scrape", "Duration", "Error"].map((title) => el("th", {}, title))));
  return el("details", { class: "card", open: true, "data-key": name },
    el("summary", {}, el("h2", {}, name), el("span", { class: `badge ${kind}` }, `${up} / ${targets.length} up`)),
    el("div", { class: "scroll" }, el("table", { class: "stack" }, head, el("tbody", {}, shown.map(row)))),
  );
}

function show() {
  const cards = [...pools].sort(([a], [b]) => (a < b ? -1 : 1)).map(pool).filter(Boolean);
  const empty = pools.size ? "No target fits the filter." : "There are no targets.";
  const list = dropped.length
    ? el("details", { class: "card", "data-key": "dropped" },
        el("summary", {}, el("h2", {}, "Dropped by relabeling"), el("span", { class: "badge" }, String(dropped.length))),
        dropped.slice(0, 500).map((target) => el("p", {}, labels(target.discoveredLabels))))
    : "";
  replaceKeepingOpen(byId("content"), ...(cards.length ? cards : [el("p", { class: "muted" }, empty)]), list);
}

refresh(async () => {
  const { data } = await api("targets");
  pools = Map.groupBy
    ? Map.groupBy(data.activeTargets, (target) => target.scrapePool)
    : data.activeTargets.reduce((map, target) => map.set(target.scrapePool, [...(map.get(target.scrapePool) ?? []), target]), new Map());
  dropped = data.droppedTargets ?? [];
  show();
});
