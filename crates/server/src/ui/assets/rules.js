// All rules by group, with how their last evaluation went.

import { ago, api, byId, duration, el, filterField, labels, queryLink, refresh, replaceKeepingOpen } from "./common.js";

const KINDS = { ok: "good", err: "bad", unknown: "wait" };
let groups = [];
let text = "";

byId("controls").append(filterField("Filter by name or expression", (event) => { text = event.target.value.toLowerCase(); show(); }));

const holds = (rule) => !text || `${rule.name} ${rule.query}`.toLowerCase().includes(text);

// A selector that has had no series for a while: most likely its metric has another name now.
const unmatched = ({ selector, since }) => el("div", { class: "wrap" }, el("span", { class: "badge wait" }, "no series"), " ",
  queryLink(selector), ` matches nothing, first ${ago(since)}`);

function row(rule) {
  return el("tr", {},
    el("td", { class: "wrap" }, el("strong", {}, rule.name), " ", el("span", { class: "muted" }, rule.type === "alerting" ? "alert" : "record"),
      el("div", {}, queryLink(rule.query)), el("div", {}, labels(rule.labels ?? {}))),
    el("td", {}, el("span", { class: `badge ${KINDS[rule.health] ?? ""}` }, rule.health), rule.lastError ? el("div", { class: "wrap" }, rule.lastError) : null,
      ...(rule.unmatchedSelectors ?? []).map(unmatched)),
    el("td", { "data-name": "Last evaluation" }, ago(rule.lastEvaluation)),
    el("td", { "data-name": "Took" }, duration(rule.evaluationTime)),
  );
}

function card(group) {
  const shown = group.rules.filter(holds);
  if (!shown.length) return null;
  const bad = group.rules.filter((rule) => rule.health === "err").length;
  const dead = group.rules.filter((rule) => rule.unmatchedSelectors).length;
  const head = el("thead", {}, el("tr", {}, ["Rule", "State", "Last evaluation", "Took"].map((title) => el("th", {}, title))));
  return el("details", { class: "card", open: true, "data-key": `${group.file};${group.name}` },
    el("summary", {}, el("h2", {}, group.name), el("span", { class: "muted wrap" }, group.file),
      bad ? el("span", { class: "badge bad" }, `${bad} failing`) : null,
      dead ? el("span", { class: "badge wait" }, `${dead} without series`) : null, el("span", { class: "grow" }),
      el("span", { class: "muted" }, `every ${duration(group.interval)}, last ${ago(group.lastEvaluation)}, took ${duration(group.evaluationTime)}`)),
    el("div", { class: "scroll" }, el("table", { class: "stack" }, head, el("tbody", {}, shown.map(row)))),
  );
}

function show() {
  const cards = groups.map(card).filter(Boolean);
  const empty = groups.length ? "No rule fits the filter." : "There are no rules.";
  replaceKeepingOpen(byId("content"), ...(cards.length ? cards : [el("p", { class: "muted" }, empty)]));
}

refresh(async () => {
  groups = (await api("rules")).data.groups;
  show();
});
