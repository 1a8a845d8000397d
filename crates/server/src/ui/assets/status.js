// What runs, since when, where alerts go, and what the storage holds.

import { api, byId, el, refresh } from "./common.js";

const table = (title, rows) => el("section", { class: "card scroll" }, el("h2", {}, title),
  el("table", {}, el("tbody", {}, rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "wrap" }, value))))));

const time = (milliseconds) => (milliseconds ? new Date(milliseconds).toLocaleString() : "none");

refresh(async () => {
  const [build, run, store, senders] = await Promise.all(
    ["status/buildinfo", "status/runtimeinfo", "status/tsdb", "alertmanagers"].map(async (path) => (await api(path)).data),
  );
  const top = (title, list) => table(title, list.map(({ name, value }) => [name, value.toLocaleString()]));
  byId("content").replaceChildren(
    table("Server", [
      ["Version", build.firewatchVersion ?? build.version],
      ["API of Prometheus", build.version],
      ["Started", new Date(run.startTime).toLocaleString()],
      ["Host", run.hostname],
      ["Working folder", run.CWD],
      ["Configuration", run.reloadConfigSuccess ? "loaded" : el("span", { class: "badge bad" }, "the last reload failed")],
      ["Configuration loaded", new Date(run.lastConfigTime).toLocaleString()],
      ["Retention", run.storageRetention],
    ]),
    table("Alertmanagers", senders.activeAlertmanagers.length
      ? senders.activeAlertmanagers.map(({ url }, at) => [String(at + 1), url]) : [["", "none"]]),
    table("Storage", [
      ["Series in the last hours", store.headStats.numSeries.toLocaleString()],
      ["Label pairs", store.headStats.numLabelPairs.toLocaleString()],
      ["Oldest sample", time(store.headStats.minTime)],
      ["Newest sample", time(store.headStats.maxTime)],
    ]),
    top("Metrics with the most series", store.seriesCountByMetricName),
    top("Labels with the most values", store.labelValueCountByLabelName),
    top("Label pairs with the most series", store.seriesCountByLabelValuePair),
  );
}, 30);
