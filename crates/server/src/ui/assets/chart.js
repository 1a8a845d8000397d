// A line chart on a canvas: axes, stacked areas, a cursor with values, a legend that hides and isolates.

import { el, seriesName } from "./common.js";

const LEGEND_MAX = 200;
const MARGIN = { left: 62, right: 12, top: 10, bottom: 26 };

const color = (at) => `hsl(${(at * 137.5 + 18) % 360} 68% ${at % 3 === 1 ? 42 : 52}%)`;

/** Numbers as people read them: 1.2k, 3.4M. */
export function human(value) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  for (const [unit, factor] of [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (size >= factor) return `${+(value / factor).toPrecision(4)}${unit}`;
  }
  return size !== 0 && size < 1e-3 ? value.toExponential(2) : String(+value.toPrecision(5));
}

/** Round steps: 1, 2 or 5 times a power of ten. */
function niceStep(span, count) {
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw);
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

export class Chart {
  constructor(container) {
    this.canvas = el("canvas", { role: "img", "aria-label": "Graph of the result" });
    this.tip = el("div", { class: "tip", hidden: true });
    this.legend = el("div", { class: "legend" });
    this.hidden = new Set();
    container.replaceChildren(el("div", { class: "chart" }, this.canvas, this.tip), this.legend);
    this.canvas.addEventListener("pointermove", (event) => this.hover(event.offsetX, event.offsetY));
    this.canvas.addEventListener("pointerleave", () => this.hover(null));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Shows a matrix of the API from `start` to `end` (seconds). */
  show(matrix, start, end, step, stacked) {
    this.start = start;
    this.end = end;
    this.stacked = stacked;
    this.hidden.clear();
    this.series = matrix.map(({ metric, values = [] }, at) => ({
      name: seriesName(metric),
      color: color(at),
      points: withGaps(values.map(([time, value]) => [time, Number(value)]), step),
    }));
    this.drawLegend();
    this.draw();
  }

  drawLegend() {
    const rows = this.series.slice(0, LEGEND_MAX).map((series, at) => {
      const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      swatch.setAttribute("width", "12");
      swatch.setAttribute("height", "10");
      const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of [["width", "12"], ["height", "10"], ["rx", "3"], ["fill", series.color]]) box.setAttribute(name, value);
      swatch.append(box);
      const off = this.hidden.has(at) ? "off" : "";
      const title = "Click to show only this, Ctrl+click to hide it";
      return el("button", { type: "button", class: off, title, on: { click: (event) => this.toggle(at, event) } }, swatch, series.name);
    });
    const more = this.series.length - LEGEND_MAX;
    this.legend.replaceChildren(...rows, ...(more > 0 ? [el("p", { class: "muted" }, `and ${more} more series`)] : []));
  }

  toggle(at, event) {
    if (event.ctrlKey || event.metaKey) {
      if (!this.hidden.delete(at)) this.hidden.add(at);
    } else {
      const alone = !this.hidden.has(at) && this.hidden.size === this.series.length - 1;
      this.hidden = new Set(alone ? [] : this.series.keys());
      this.hidden.delete(at);
    }
    this.drawLegend();
    this.draw();
  }

  /** The visible series with the values to draw, stacked when asked for. */
  lines() {
    const visible = this.series.map((series, at) => ({ ...series, at })).filter(({ at }) => !this.hidden.has(at));
    if (!this.stacked) return visible;
    const sums = new Map();
    return visible.map((series) => {
      const base = [];
      const points = series.points.map(([time, value]) => {
        const below = sums.get(time) ?? 0;
        base.push([time, below]);
        if (Number.isFinite(value)) sums.set(time, below + value);
        return [time, below + value, value];
      });
      return { ...series, points, base };
    });
  }

  draw() {
    if (!this.series) return;
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width || !height) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    this.colors = { line: style.getPropertyValue("--line"), muted: style.getPropertyValue("--muted") };
    const lines = this.lines();
    this.drawn = lines;
    const [low, high] = range(lines, this.stacked);
    const plot = { x: MARGIN.left, y: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    this.plot = plot;
    this.x = (time) => plot.x + ((time - this.start) / (this.end - this.start || 1)) * plot.width;
    this.y = (value) => plot.y + plot.height - ((value - low) / (high - low)) * plot.height;
    this.axes(context, low, high);
    context.save();
    context.beginPath();
    context.rect(plot.x, plot.y - 2, plot.width + 2, plot.height + 4);
    context.clip();
    for (const line of lines) this.line(context, line);
    context.restore();
  }

  axes(context, low, high) {
    const { plot, colors } = this;
    context.font = "11.5px system-ui, sans-serif";
    context.fillStyle = colors.muted;
    context.strokeStyle = colors.line;
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const step = niceStep(high - low, plot.height / 48);
    for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) {
      const y = Math.round(this.y(value)) + 0.5;
      context.beginPath();
      context.moveTo(plot.x, y);
      context.lineTo(plot.x + plot.width, y);
      context.stroke();
      context.fillText(human(Math.abs(value) < step * 1e-6 ? 0 : value), plot.x - 7, y);
    }
    context.textBaseline = "top";
    context.textAlign = "center";
    const span = this.end - this.start;
    const every = TIME_STEPS.find((candidate) => span / candidate <= plot.width / 90) ?? span;
    const zone = new Date(this.start * 1000).getTimezoneOffset() * 60;
    for (let time = Math.ceil((this.start - zone) / every) * every + zone; time <= this.end; time += every) {
      const date = new Date(time * 1000);
      const text = every >= 86400
        ? date.toLocaleDateString(undefined, { month: "short", day: "numeric" })
        : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: every < 60 ? "2-digit" : undefined });
      context.fillText(text, this.x(time), plot.y + plot.height + 8);
    }
  }

  line(context, line) {
    context.strokeStyle = line.color;
    context.fillStyle = line.color;
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    let run = [];
    const flush = () => {
      if (run.length === 1) {
        const [time, value] = run[0];
        context.beginPath();
        context.arc(this.x(time), this.y(value), 2, 0, 7);
        context.fill();
      } else if (run.length) {
        context.beginPath();
        for (const [time, value] of run) context.lineTo(this.x(time), this.y(value));
        context.stroke();
        if (line.base) {
          const base = new Map(line.base);
          for (const [time] of run.toReversed()) context.lineTo(this.x(time), this.y(base.get(time) ?? 0));
          context.globalAlpha = 0.35;
          context.fill();
          context.globalAlpha = 1;
        }
      }
      run = [];
    };
    for (const point of line.points) {
      if (Number.isFinite(point[1])) run.push(point);
      else flush();
    }
    flush();
  }

  hover(x, y) {
    if (x === null || !this.plot || !this.drawn) {
      this.tip.hidden = true;
      if (x === null && this.drawn) this.draw();
      return;
    }
    const time = this.start + ((x - this.plot.x) / this.plot.width) * (this.end - this.start);
    let best = null;
    for (const line of this.drawn) {
      const point = nearest(line.points, time);
      if (!point) continue;
      const distance = Math.hypot((this.x(point[0]) - x) * 2, this.y(point[1]) - y);
      if (!best || distance < best.distance) best = { distance, line, point };
    }
    this.draw();
    if (!best) {
      this.tip.hidden = true;
      return;
    }
    const context = this.canvas.getContext("2d");
    const at = { x: this.x(best.point[0]), y: this.y(best.point[1]) };
    context.fillStyle = best.line.color;
    context.beginPath();
    context.arc(at.x, at.y, 4, 0, 7);
    context.fill();
    const value = best.point[2] ?? best.point[1];
    this.tip.replaceChildren(
      el("div", { class: "muted" }, new Date(best.point[0] * 1000).toLocaleString()),
      el("div", {}, el("strong", {}, String(value))),
      el("div", { class: "mono" }, best.line.name),
    );
    this.tip.hidden = false;
    const left = at.x + 14 + this.tip.offsetWidth > this.canvas.clientWidth ? at.x - this.tip.offsetWidth - 14 : at.x + 14;
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${Math.max(0, Math.min(at.y - 10, this.canvas.clientHeight - this.tip.offsetHeight))}px`;
  }
}

/** Breaks a line where samples are missing. */
function withGaps(points, step) {
  const whole = [];
  for (const point of points) {
    const before = whole.at(-1);
    if (before && point[0] - before[0] > step * 1.5) whole.push([before[0] + step, NaN]);
    whole.push(point);
  }
  return whole;
}

function range(lines, stacked) {
  let low = Infinity;
  let high = -Infinity;
  for (const { points } of lines) {
    for (const [, value] of points) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return [0, 1];
  if (stacked) low = Math.min(0, low);
  if (low === high) return low === 0 ? [-1, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const room = (high - low) * 0.05;
  return [low >= 0 && low < room * 4 ? 0 : low - room, high + room];
}

function nearest(points, time) {
  let best = null;
  for (const point of points) {
    if (Number.isFinite(point[1]) && (!best || Math.abs(point[0] - time) < Math.abs(best[0] - time))) best = point;
  }
  return best;
}
