// Alerting rules with their state, and the alerts of each.

import { ago, api, byId, duration, el, filterField, labels, queryLink, refresh, replaceKeepingOpen } from "./common.js";

const KINDS = { firing: "bad", pending: "wait", inactive: "good" };
const ORDER = ["firing", "pending", "inactive", "unknown"];
const wanted = new Set(ORDER);
let rules = [];
let text = "";

byId("controls").append(
  filterField("Filter by name or label", (event) => { text = event.target.value.toLowerCase(); show(); }),
  ...["firing", "pending", "inactive"].map((state) =>
    el("label", {}, el("input", { type: "checkbox", checked: true, on: { change: (event) => {
      if (event.target.checked) wanted.add(state); else wanted.delete(state);
      show();
    } } }), " ", el("span", { class: `badge ${KINDS[state]}`, id: `count-${state}` }, state))),
);

const holds = (rule) => wanted.has(rule.state) &&
  (!text || JSON.stringify([rule.name, rule.labels, rule.alerts.map((alert) => alert.labels)]).toLowerCase().includes(text));

function instance(alert) {
  return el("tr", {},
    el("td", {}, labels(alert.labels, ["alertname"])),
    el("td", {}, el("span", { class: `badge ${KINDS[alert.state] ?? ""}` }, alert.state)),
    el("td", { title: alert.activeAt, "data-name": "Active since" }, ago(alert.activeAt)),
    el("td", { class: "number mono", "data-name": "Value" }, String(Number(alert.value))),
    el("td", { class: "wrap" }, Object.entries(alert.annotations).map(([name, value]) => el("div", {}, el("span", { class: "muted" }, `${name} `), value))),
  );
}

function card(rule) {
  const head = el("thead", {}, el("tr", {}, ["Labels", "State", "Active since", "Value", "Annotations"].map((title) => el("th", {}, title))));
  return el("details", { class: "card", "data-key": `${rule.file};${rule.group};${rule.name};${rule.query}`, open: rule.state === "firing" },
    el("summary", {},
      el("span", { class: `badge ${KINDS[rule.state] ?? ""}` }, rule.state),
      el("h2", {}, rule.name),
      rule.alerts.length ? el("span", { class: "muted" }, `${rule.alerts.length} active`) : null,
      el("span", { class: "grow" }),
      el("span", { class: "muted" }, `${rule.group}`)),
    el("p", {}, queryLink(rule.query)),
    el("p", {}, rule.duration ? el("span", { class: "label" }, `for: ${duration(rule.duration)}`) : null, labels(rule.labels)),
    rule.lastError ? el("p", { class: "notice bad" }, rule.lastError) : null,
    rule.alerts.length ? el("div", { class: "scroll" }, el("table", { class: "stack" }, head, el("tbody", {}, rule.alerts.map(instance)))) : null,
  );
}

function show() {
  for (const state of ["firing", "pending", "inactive"]) {
    byId(`count-${state}`).textContent = `${state} ${rules.filter((rule) => rule.state === state).length}`;
  }
  const shown = rules.filter(holds).sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const empty = rules.length ? "No alerting rule fits the filter." : "There are no alerting rules.";
  replaceKeepingOpen(byId("content"), ...(shown.length ? shown.map(card) : [el("p", { class: "muted" }, empty)]));
}

refresh(async () => {
  const { data } = await api("rules", { type: "alert" });
  rules = data.groups.flatMap(({ name, file, rules: list }) => list.map((rule) => ({ ...rule, group: name, file })));
  show();
});
