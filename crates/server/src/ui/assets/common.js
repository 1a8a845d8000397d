// What the pages share: elements, requests, times. Text from elsewhere only ever becomes text nodes.

/** An element with attributes and children; texts become text nodes. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** The data of an API answer with its warnings and infos; throws an Error with the server's words. */
export async function api(path, parameters = {}, options = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, value);
  }
  const post = options.post === true;
  const url = `api/v1/${path}` + (post || !query.size ? "" : `?${query}`);
  let response;
  try {
    response = await fetch(url, { method: post ? "POST" : "GET", body: post ? query : undefined, signal: options.signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer.");
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText}.`);
  }
  if (answer.status !== "success") throw new Error(answer.error || `The server answered ${response.status}.`);
  return answer;
}

/** Shows messages above the content: [kind, text] pairs. */
export function notices(...list) {
  byId("notice").replaceChildren(...list.map(([kind, text]) => el("p", { class: `notice ${kind}` }, text)));
}

/** `{a="b"}` pairs as small boxes. */
export function labels(set, skip = []) {
  return Object.entries(set)
    .filter(([name]) => !skip.includes(name))
    .map(([name, value]) => el("span", { class: "label" }, `${name}="${value}"`));
}

/** A series as people write it. */
export function seriesName(metric) {
  const { __name__: name = "", ...rest } = metric;
  const pairs = Object.entries(rest).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return name + (pairs.length || !name ? `{${pairs.join(", ")}}` : "");
}

const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

/** Seconds as `1h 30m`, two units at most. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "never";
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 2 : 0)}ms`;
  const parts = [];
  let rest = seconds;
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0 && parts.length < 2) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join(" ");
}

/** A Prometheus duration such as `1h30m` in seconds, or null. */
export function parseDuration(text) {
  const sizes = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(ms|[smhdwy]))+$/.test(trimmed)) return null;
  return [...trimmed.matchAll(/(\d+)(ms|[smhdwy])/g)].reduce((sum, [, count, unit]) => sum + count * sizes[unit], 0);
}

/** How long ago a time of the API was. */
export function ago(text) {
  const time = Date.parse(text);
  if (!(time > 0)) return "never";
  return `${duration(Math.max(0, (Date.now() - time) / 1000))} ago`;
}

/** Runs `load` now and again every `seconds` while the page is seen. */
export function refresh(load, seconds = 10) {
  const run = async () => {
    if (document.hidden) return;
    try {
      notices();
      await load();
    } catch (error) {
      notices(["bad", error.message]);
    }
  };
  run();
  setInterval(run, seconds * 1000);
  document.addEventListener("visibilitychange", run);
}

/** Replaces the content but keeps which of its `details` are open, by their `data-key`. */
export function replaceKeepingOpen(container, ...children) {
  const known = new Map([...container.querySelectorAll("details[data-key]")].map((d) => [d.dataset.key, d.open]));
  container.replaceChildren(...children);
  for (const details of container.querySelectorAll("details[data-key]")) {
    if (known.has(details.dataset.key)) details.open = known.get(details.dataset.key);
  }
}

/** A text field that filters; remembers nothing. */
export function filterField(placeholder, onInput) {
  return el("input", { type: "search", placeholder, "aria-label": placeholder, on: { input: onInput } });
}

/** A link to the query page. */
export function queryLink(expression) {
  return el("a", { href: `query?${new URLSearchParams({ "g0.expr": expression, "g0.tab": "1" })}`, class: "mono wrap" }, expression);
}
