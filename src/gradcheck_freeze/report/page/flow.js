// What the page knows: the tree of modules, the graph and the findings, read from the data beside this script.

const data = JSON.parse(document.getElementById('data').textContent);
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// Makes an element. Text is only ever set as text: nothing in this script reads markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const states = data.states.map(([name, glyph, word]) => ({ name, glyph, word, css: name.toLowerCase() }));
const findings = data.findings.map(([id, rule, name, severity, where, message], index) =>
  ({ index, id, rule, name, severity, where, message }));
const places = data.places.map(([near, path, text]) => ({ near, path, text }));
const nodes = data.nodes.map(([label, kind, state, module, parent, count, place, found = [], members = [], leaks = []], index) =>
  ({ index, label, kind, state: states[state], module: module === 0 ? label : module, parent, count, place: places[place], findings: found, members, leaks, children: [] }));
for (const node of nodes) if (node.parent >= 0) nodes[node.parent].children.push(node.index);
rollUp();
const edges = data.edges.map(([source, target, kind, op, place, found = [], losses = []], index) =>
  ({ index, source, target, kind: data.flows[kind], op, place: places[place], findings: found, losses }));

// Puts long runs of numbered siblings that are alike, in state and findings too, into one box that can be opened.
function rollUp() {
  const few = 3;
  const alike = new Map();
  for (const node of nodes) {
    if (node.kind === 'loss' || !/\d/.test(node.label)) continue;
    const key = JSON.stringify([node.parent, node.label.replace(/\d+/g, '*'), node.state && node.state.name, node.findings, node.leaks]);
    if (!alike.has(key)) alike.set(key, []);
    alike.get(key).push(node);
  }
  for (const siblings of alike.values()) {
    const parts = siblings.map((node) => ({ node, numbers: node.label.match(/\d+/g).map(Number) }));
    const varying = parts[0].numbers.map((_, place) => place).filter((place) => parts.some(({ numbers }) => numbers[place] !== parts[0].numbers[place]));
    if (varying.length !== 1) continue;
    parts.sort((a, b) => a.numbers[varying[0]] - b.numbers[varying[0]]);
    let run = [];
    for (const part of [...parts, null]) {
      if (part && (!run.length || part.numbers[varying[0]] === run[run.length - 1].numbers[varying[0]] + 1)) { run.push(part); continue; }
      if (run.length > few) wrap(run.map(({ node }) => node), varying[0], run[0].numbers[varying[0]], run[run.length - 1].numbers[varying[0]]);
      run = part ? [part] : [];
    }
  }
}

function wrap(run, place, from, to) {
  let at = -1;
  const label = run[0].label.replace(/\d+/g, (number) => { at += 1; return at === place ? `{${from}-${to}}` : number; });
  const { kind, state, parent } = run[0];
  const box = { index: nodes.length, label, kind, state, module: '', parent, count: run.length, place: run[0].place, findings: run[0].findings, leaks: run[0].leaks, members: [], children: run.map((node) => node.index), run: true };
  nodes.push(box);
  if (parent >= 0) nodes[parent].children = [...nodes[parent].children.filter((index) => !box.children.includes(index)), box.index];
  for (const node of run) node.parent = box.index;
}

const facts = data.facts.map(([kind, shape, numel, dtype, requiresGrad, optimizers, losses, gradient, updated, declared]) =>
  ({ kind, shape, numel, dtype, requiresGrad, optimizers, losses, gradient, updated, declared }));
const tensors = [];
const modules = new Map(); // path → module
const root = module(data.tree, '');

function module([name, below, held], path) {
  const made = { name, path, modules: [], tensors: [], counts: states.map(() => 0), range: [tensors.length, 0] };
  modules.set(path, made);
  const inside = (part) => (path === '' ? part : `${path}.${part}`);
  for (const row of held) {
    const [last, state, fact, norm, ratio, found = [], [owner] = [], aliases = []] = row;
    const tensor = { ...facts[fact], name: last, path: inside(last), state: states[state], norm, ratio, findings: found, owner: owner ?? path, aliases };
    tensors.push(tensor);
    made.tensors.push(tensor);
    made.counts[state] += 1;
  }
  for (const row of below) {
    const child = module(row, inside(row[0]));
    made.modules.push(child);
    child.counts.forEach((count, state) => { made.counts[state] += count; });
  }
  made.range[1] = tensors.length; // its own and those below it stand together
  made.size = made.range[1] - made.range[0];
  return made;
}

// Returns the tensors that a box of the picture stands for.
function tensorsOf(node) {
  if (node.module === '' && !node.run && !node.members.length) return tensors.filter((tensor) => tensor.path === node.label);
  const wanted = new Set(node.run ? node.children.map((index) => nodes[index].module) : [node.module, ...node.members].filter(Boolean));
  const below = (path) => {
    for (let at = path; ; at = at.slice(0, at.lastIndexOf('.'))) {
      if (wanted.has(at)) return true;
      if (!at.includes('.')) return false;
    }
  };
  return tensors.filter((tensor) => below(tensor.owner) || below(tensor.path));
}

function badge(state) {
  const element = make('span', { class: `state ${state.css}` });
  element.append(make('span', { 'aria-hidden': 'true' }, state.glyph), ` ${state.word}`);
  return element;
}

const grouped = new Intl.NumberFormat('en');
const many = (count, word) => `${grouped.format(count)} ${word}${count === 1 ? '' : 's'}`;
const fragment = (kind, name) => `#${kind}-${encodeURIComponent(name)}`;
