// The command line with all defaults.

import { api, byId, el, refresh } from "./common.js";

refresh(async () => {
  const { data } = await api("status/flags");
  const rows = Object.entries(data).map(([name, value]) =>
    el("tr", {}, el("td", { class: "mono wrap" }, `--${name}`), el("td", { class: "mono wrap" }, value)));
  const head = el("thead", {}, el("tr", {}, el("th", {}, "Flag"), el("th", {}, "Value")));
  byId("content").replaceChildren(el("section", { class: "card scroll" }, el("table", {}, head, el("tbody", {}, rows))));
}, 300);
