// Lists the groups that the API gives, and deletes them. Pushed text only ever becomes text nodes.
'use strict';

const own = new Set(['labels', 'last_push_successful', 'push_time_seconds', 'push_failure_time_seconds', 'push_expires_time_seconds']);

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function base64(text) {
  const bytes = new TextEncoder().encode(text);
  const encoded = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return encoded || '=';
}

function pathOf(labels) {
  const rest = Object.entries(labels).filter(([name]) => name !== 'job');
  return 'metrics/job@base64/' + base64(labels.job) + rest.map(([name, value]) => `/${name}@base64/${base64(value)}`).join('');
}

function when(family) {
  const seconds = Number(family.metrics[0].value);
  return seconds === 0 ? 'never' : new Date(seconds * 1000).toLocaleString();
}

function valueOf(metric) {
  return metric.value !== undefined ? metric.value : `count ${metric.count}, sum ${metric.sum}`;
}

function show(group) {
  const details = element('details');
  const summary = element('summary');
  for (const [name, value] of Object.entries(group.labels)) summary.append(element('span', `${name}="${value}"`, 'label'));
  if (!group.last_push_successful) summary.append(element('span', 'last push failed', 'bad'));
  const meta = element('p', undefined, 'meta');
  meta.append(element('span', `last push: ${when(group.push_time_seconds)}`));
  meta.append(element('span', `last failure: ${when(group.push_failure_time_seconds)}`));
  if (group.push_expires_time_seconds) meta.append(element('span', `goes away: ${when(group.push_expires_time_seconds)}`));
  const remove = element('button', 'Delete group');
  remove.addEventListener('click', async () => {
    if (!confirm('Delete this group and all its metrics?')) return;
    const answer = await fetch(pathOf(group.labels), { method: 'DELETE' });
    if (answer.ok) load(); else alert(await answer.text());
  });
  meta.append(remove);
  const table = element('table');
  for (const [name, family] of Object.entries(group).filter(([name]) => !own.has(name))) {
    for (const metric of family.metrics) {
      const labels = Object.entries(metric.labels).filter(([label]) => !(label in group.labels) && metric.labels[label] !== '');
      const row = element('tr');
      row.append(element('td', name + (labels.length ? `{${labels.map(([l, v]) => `${l}="${v}"`).join(', ')}}` : '')));
      row.append(element('td', family.type.toLowerCase()), element('td', valueOf(metric)));
      table.append(row);
    }
  }
  details.append(summary, meta, table);
  return details;
}

async function load() {
  const summary = document.getElementById('summary');
  try {
    const groups = (await (await fetch('api/v1/metrics')).json()).data;
    document.getElementById('groups').replaceChildren(...groups.map(show));
    summary.textContent = groups.length === 0 ? 'No groups: nothing has been pushed.' : `${groups.length} groups`;
  } catch (error) {
    summary.textContent = `The gateway does not answer: ${error}`;
  }
}

load();
