// The picture: moved, zoomed, opened and closed; a chosen box tells what it holds, a chosen finding lights its path.

const canvas = $('#canvas');
const said = $('#said');
const NS = 'http://www.w3.org/2000/svg';
const MOST_BOXES = 1200;
const MOST_AT_FIRST = 60;
const picture = { svg: canvas && $('svg', canvas), view: null, whole: null, opened: null, lit: null, chosen: -1 };
const first = openedAtFirst();

// Returns the boxes to open at first: those around what is at fault, as long as the picture stays small; then outer ones.
function openedAtFirst() {
  const around = new Set();
  const above = (index) => { // the boxes around one, from the outside in, down to a run of alike ones
    if (index < 0) return [];
    const outer = above(nodes[index].parent);
    return nodes[index].run || (outer.length && nodes[outer[outer.length - 1]].run) ? outer : [...outer, index];
  };
  const faulty = nodes.filter((node) => node.findings.length && !node.children.length).map((node) => node.index);
  for (const edge of edges) if (edge.findings.length) faulty.push(edge.source, edge.target);
  const wanted = [...new Set([...faulty.map((index) => nodes[index].parent), ...rootBoxes().length === 1 ? rootBoxes() : []])];
  let left = 40; // tries that may fail
  for (const index of wanted) {
    const added = above(index).filter((box) => !around.has(box));
    added.forEach((box) => around.add(box));
    if (!added.length || countBoxes(around) <= MOST_AT_FIRST) continue;
    added.forEach((box) => around.delete(box));
    left -= 1;
    if (!left) break;
  }
  return around;
}

function rootBoxes() {
  return nodes.filter((node) => node.parent < 0 && node.kind === 'module').map((node) => node.index);
}

function countBoxes(open) {
  return new Set(nodes.map((node) => visible(node.index, open))).size;
}

function draw(tag, attributes, parent, text) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

const short = (text, most) => (text.length > most ? `${text.slice(0, most / 3)}…${text.slice(text.length - (most * 2) / 3)}` : text);

function words(node) {
  const above = node.parent >= 0 && picture.opened.has(node.parent) ? nodes[nodes[node.parent].run ? nodes[node.parent].parent : node.parent] : null;
  const inside = above && above.module && node.label.startsWith(`${above.module}.`); // the frame around it says the rest
  const label = inside ? node.label.slice(above.module.length + 1) : node.label || node.kind;
  return [short(label, 34) + (node.count > 1 ? ` ×${node.count}` : ''), node.state ? `${node.state.glyph} ${node.state.word}` : ''];
}

function measure(node) {
  const [label, word] = words(node);
  const slanted = node.state && ['leak', 'blocked'].includes(node.state.css) ? 26 : 0;
  const fold = node.children.length ? 2 : 0;
  return { w: Math.max(54, 7 * Math.max(label.length + fold, word.length) + 22 + slanted), h: word ? 42 : 30 };
}

// Draws the boxes as they are opened now, from left to right, or from top to bottom where the page is narrow.
function redraw() {
  picture.tall = canvas.clientWidth < 560;
  picture.svg.remove();
  picture.svg = drawn();
  canvas.append(picture.svg);
  ready();
}

function drawn() {
  const plan = layOut(picture.opened, measure, picture.tall);
  const svg = draw('svg', { viewBox: `-12 -12 ${Math.ceil(plan.width) + 24} ${Math.ceil(plan.height) + 24}` });
  const frames = draw('g', {}, svg);
  const lines = draw('g', {}, svg);
  const boxes = draw('g', {}, svg);
  for (const [index, box] of [...plan.boxes].sort((a, b) => b[1].w * b[1].h - a[1].w * a[1].h)) {
    if (box.frame) drawFrame(nodes[index], box, frames);
    else drawBox(nodes[index], box, boxes);
  }
  for (const arrow of plan.arrows) drawArrow(arrow, lines);
  return svg;
}

function drawFrame(node, { x, y, w, h }, parent) {
  const group = draw('g', { class: `frame ${node.state ? node.state.css : ''}`, 'data-node': node.index, 'data-open': '' }, parent);
  draw('rect', { x, y, width: w, height: h, rx: 8 }, group);
  draw('text', { x: x + 10, y: y + 17, 'font-size': 12 }, group, `▾ ${words(node).join('  ')}`);
}

function drawBox(node, { x, y, w, h }, parent) {
  const css = node.state ? node.state.css : node.kind === 'loss' ? 'loss' : '';
  const group = draw('g', { class: `node ${css}`, 'data-node': node.index }, parent);
  const cut = 9;
  const octagon = (d) => [[x + cut, y - d], [x + w - cut, y - d], [x + w + d, y + cut], [x + w + d, y + h - cut], [x + w - cut, y + h + d], [x + cut, y + h + d], [x - d, y + h - cut], [x - d, y + cut]].join(' ');
  if (css === 'leak') { draw('polygon', { points: octagon(0) }, group); draw('polygon', { points: octagon(4) }, group); }
  else if (css === 'blocked') draw('polygon', { points: [[x + 12, y], [x + w - 12, y], [x + w, y + h / 2], [x + w - 12, y + h], [x + 12, y + h], [x, y + h / 2]].join(' ') }, group);
  else if (css === 'frozen') { draw('polygon', { points: [[x, y], [x + w - 8, y], [x + w, y + 8], [x + w, y + h], [x, y + h]].join(' ') }, group); draw('polyline', { class: 'hollow', points: [[x + w - 8, y], [x + w - 8, y + 8], [x + w, y + 8]].join(' ') }, group); }
  else if (css === 'loss') draw('ellipse', { cx: x + w / 2, cy: y + h / 2, rx: w / 2, ry: h / 2 }, group);
  else draw('rect', { x, y, width: w, height: h, rx: css === 'learning' ? 10 : 0 }, group);
  const [label, word] = words(node);
  const folded = node.children.length ? '▸ ' : '';
  draw('text', { x: x + w / 2, y: y + (word ? 18 : h / 2 + 4), 'text-anchor': 'middle', 'font-size': 12 }, group, folded + label);
  if (word) draw('text', { x: x + w / 2, y: y + 33, 'text-anchor': 'middle', 'font-size': 12 }, group, word);
}

function drawArrow({ edge, points, backward }, parent) {
  const group = draw('g', { class: `edge ${edge.kind === 'leak' ? 'gradient leaking' : edge.kind}`, 'data-edge': edge.members.join(' ') }, parent);
  const [start, end] = [points[0], points[points.length - 1]];
  const gradient = edge.kind === 'gradient' || edge.kind === 'leak';
  const sense = backward ? -1 : 1;
  const along = picture.tall ? ([x, y], by) => [x, y + by * sense] : ([x, y], by) => [x + by * sense, y];
  const from = along(start, gradient ? 7 : 0);
  const to = along(end, gradient ? 0 : -6);
  const way = [from, ...points.slice(1, -1), to];
  const path = way.map((point, i) => {
    if (!i) return `M${point}`;
    const before = way[i - 1];
    const bend = Math.max(10, Math.abs(picture.tall ? point[1] - before[1] : point[0] - before[0]) / 2);
    return `C${along(before, bend)} ${along(point, -bend)} ${point}`;
  }).join('');
  draw('path', { d: path }, group);
  const across = ([x, y], by) => (picture.tall ? [x + by, y] : [x, y + by]);
  const corners = (at, ...steps) => steps.map(([on, aside]) => across(along(at, on), aside)).join(' ');
  if (gradient) draw('polygon', { points: corners(start, [0, 0], [9, -4], [9, 4]) }, group);
  else if (edge.kind === 'cut' || edge.kind === 'stopped') draw('polygon', { points: corners(end, [-6, -8], [-3, -8], [-3, 8], [-6, 8]) }, group);
  else draw('polygon', { points: corners(end, [0, 0], [-8, -3.5], [-8, 3.5]) }, group);
  if (edge.kind === 'cut' || edge.kind === 'stopped') {
    const middle = Math.floor((way.length - 1) / 2);
    const [x, y] = [0, 1].map((axis) => (way[middle][axis] + way[middle + 1][axis]) / 2);
    const [dx, anchor] = picture.tall ? [10, 'start'] : [0, 'middle'];
    draw('text', { x: x + dx, y: y - (edge.place ? 19 : 7), 'text-anchor': anchor, class: 'halo', 'paint-order': 'stroke', 'font-size': 11 }, group, `✂ ${short(edge.op, 24)}`);
    if (edge.place) draw('text', { x: x + dx, y: y - 7, 'text-anchor': anchor, class: 'halo', 'paint-order': 'stroke', 'font-size': 10 }, group, short(edge.place.near, 30));
  }
}

// Makes what is drawn now answer to pointer and keyboard.
function ready() {
  const { svg } = picture;
  const around = svg.getBBox();
  picture.whole = { x: around.x - 14, y: around.y - 14, w: around.width + 28, h: around.height + 28 };
  for (const group of $$('[data-node]', svg)) {
    const node = nodes[Number(group.dataset.node)];
    group.setAttribute('tabindex', '0');
    group.setAttribute('role', 'button');
    const found = node.findings.length ? `, ${many(node.findings.length, 'finding')}` : '';
    group.setAttribute('aria-label', [node.label || node.kind, node.state && node.state.word].filter(Boolean).join(', ') + found + ('open' in group.dataset ? ', opened' : node.children.length ? ', can be opened' : ''));
  }
  squeeze(svg);
  fit();
  mark();
}

// Narrows what is written wider than its box, where the font here is not the one the picture was laid out with.
function squeeze(svg) {
  for (const group of $$('.node', svg)) {
    const shape = $(':scope > :not(text)', group);
    const room = shape ? shape.getBBox().width - 10 : 0;
    for (const text of $$('text', group)) {
      if (room <= 0 || text.getComputedTextLength() <= room) continue;
      text.setAttribute('textLength', room);
      text.setAttribute('lengthAdjust', 'spacingAndGlyphs');
    }
  }
}

// Shows everything where it stays readable; else as much of it as does, around what is at fault.
function fit() {
  const { whole } = picture;
  const width = canvas.clientWidth || 800;
  const readable = width < 560 ? 0.85 : 0.7;
  const scale = Math.min(1.5, Math.max(readable, width / whole.w));
  const height = Math.min(Math.max(160, whole.h * scale), Math.max(260, innerHeight * 0.52));
  canvas.style.height = `${Math.round(height)}px`;
  const last = Math.min(scale, Math.max(readable, height / whole.h));
  picture.view = { w: width / last, h: height / last };
  const fault = $('.edge.cut', picture.svg) || $('.node.blocked, .node.leak', picture.svg) || $('.node', picture.svg);
  const at = picture.view.w >= whole.w - 1 && picture.view.h >= whole.h - 1 || !fault ? whole : boxOf(fault);
  centre(at.x + at.w / 2, at.y + at.h / 2);
}

// Returns where an element lies, in the units of the whole drawing.
function boxOf(element) {
  const inner = element.getBBox();
  const matrix = picture.svg.getCTM() && element.getCTM() ? picture.svg.getScreenCTM().inverse().multiply(element.getScreenCTM()) : null;
  if (!matrix) return { x: inner.x, y: inner.y, w: inner.width, h: inner.height };
  const corner = new DOMPoint(inner.x, inner.y).matrixTransform(matrix);
  const far = new DOMPoint(inner.x + inner.width, inner.y + inner.height).matrixTransform(matrix);
  return { x: corner.x, y: corner.y, w: far.x - corner.x, h: far.y - corner.y };
}

function centre(x, y) {
  const { view, whole } = picture;
  const hold = (at, size, start, length) => (size >= length ? start - (size - length) / 2 : Math.min(Math.max(at - size / 2, start - 20), start + length - size + 20));
  view.x = hold(x, view.w, whole.x, whole.w);
  view.y = hold(y, view.h, whole.y, whole.h);
  look();
}

function look() {
  const { x, y, w, h } = picture.view;
  picture.svg.setAttribute('viewBox', `${x} ${y} ${w} ${h}`);
}

function zoom(factor, px = 0.5, py = 0.5) {
  const { view, whole } = picture;
  const scale = canvas.clientWidth / (view.w * factor);
  if (scale > 8 || (factor > 1 && view.w * factor > 4 * Math.max(whole.w, canvas.clientWidth))) return;
  view.x += view.w * (1 - factor) * px;
  view.y += view.h * (1 - factor) * py;
  view.w *= factor;
  view.h *= factor;
  look();
}

function pan(dx, dy) {
  picture.view.x += dx * picture.view.w;
  picture.view.y += dy * picture.view.h;
  look();
}

// Opens or closes boxes, unless that would be more boxes than anyone can read.
function setOpened(opened, why) {
  const boxes = countBoxes(opened);
  if (boxes > MOST_BOXES) {
    said.textContent = `That would be ${boxes.toLocaleString('en')} boxes, more than can be read: open single boxes instead.`;
    said.classList.remove('quiet');
    return false;
  }
  said.classList.add('quiet');
  picture.opened = opened;
  redraw();
  said.textContent = `${why}: ${boxes} ${boxes === 1 ? 'box' : 'boxes'}`;
  return true;
}

function toggle(index) {
  const opened = new Set(picture.opened);
  if (opened.has(index)) opened.delete(index);
  else opened.add(index);
  if (setOpened(opened, opened.has(index) ? 'opened' : 'closed')) show(index);
}

function unfold() {
  const opened = new Set(picture.opened);
  for (const node of nodes) {
    const seen = visible(node.index, picture.opened);
    if (nodes[seen].children.length && !picture.opened.has(seen)) opened.add(seen);
  }
  setOpened(opened, 'one level deeper');
}

function fold() {
  const opened = new Set([...picture.opened].filter((index) => nodes[index].children.some((child) => picture.opened.has(child))));
  setOpened(opened, 'one level less deep');
}

// Returns the arrows and boxes that lead from what a finding hits on to the losses, by its cut where it has one.
function pathOf(finding) {
  const shown = visibleEdges(picture.opened);
  const hit = new Set(nodes.filter((node) => node.findings.includes(finding)).map((node) => visible(node.index, picture.opened)));
  const mine = shown.filter((edge) => edge.findings.includes(finding));
  for (const edge of mine) { hit.add(edge.source); }
  const next = new Map();
  for (const edge of shown) { if (!next.has(edge.source)) next.set(edge.source, []); next.get(edge.source).push(edge); }
  const lit = { nodes: new Set(hit), edges: new Set(mine.flatMap((edge) => edge.members)) };
  const ends = new Set(nodes.filter((node) => node.kind === 'loss').map((node) => node.index));
  for (const start of hit) { // nearest loss first; a cut is preferred, since it is what the finding is about
    const came = new Map([[start, null]]);
    const queue = [start];
    let end = ends.has(start) ? start : -1;
    for (let i = 0; i < queue.length && end < 0; i += 1) {
      const on = [...(next.get(queue[i]) || [])].sort((a, b) => mine.includes(b) - mine.includes(a) || (b.kind === 'cut') - (a.kind === 'cut'));
      for (const edge of on) {
        if (came.has(edge.target)) continue;
        came.set(edge.target, edge);
        queue.push(edge.target);
        if (ends.has(edge.target)) { end = edge.target; break; }
      }
    }
    for (let edge = end < 0 ? null : came.get(end); edge; edge = came.get(edge.source)) {
      edge.members.forEach((member) => lit.edges.add(member));
      lit.nodes.add(edge.source).add(edge.target);
    }
  }
  return lit;
}

// Lights the path of a finding in the picture and its trail in the card, or puts the light out.
function light(finding) {
  picture.lit = finding;
  for (const card of $$('.card')) card.classList.toggle('lit', finding !== null && card.id === `finding-${findings[finding].id}`);
  for (const button of $$('.light')) button.setAttribute('aria-pressed', String(finding !== null && button.dataset.finding === findings[finding].id));
  if (canvas && picture.svg) mark();
}

function mark() {
  const { svg, lit, chosen } = picture;
  const path = lit === null ? null : pathOf(lit);
  const lights = Boolean(path && path.nodes.size);
  svg.classList.toggle('lighting', lights);
  for (const group of $$('[data-node]', svg)) {
    const index = Number(group.dataset.node);
    group.classList.toggle('lit', lights && path.nodes.has(index));
    group.classList.toggle('chosen', index === chosen);
  }
  for (const group of $$('[data-edge]', svg)) {
    group.classList.toggle('lit', lights && group.dataset.edge.split(' ').some((member) => path.edges.has(Number(member))));
  }
  const changed = lit !== null || chosen >= 0 || picture.opened.size !== first.size || [...first].some((index) => !picture.opened.has(index));
  $('[data-do=reset]').hidden = !changed;
}

function reset() {
  picture.lit = null;
  light(null);
  closePanel();
  picture.opened = new Set(first);
  redraw();
}

// Brings a box into view and tells what it holds.
function choose(index) {
  picture.chosen = index;
  mark();
  openPanel(nodes[index]);
}

function show(index) {
  choose(index);
  const group = $(`[data-node="${index}"]`, picture.svg);
  if (!group) return;
  const at = boxOf(group);
  centre(at.x + at.w / 2, at.y + at.h / 2);
}

function startPicture() {
  if (!canvas || !picture.svg) return;
  picture.opened = new Set(first);
  canvas.classList.add('ready');
  $('.tools').hidden = false;
  $('[data-do=fold]').hidden = $('[data-do=unfold]').hidden = !nodes.some((node) => node.children.length);
  if (countBoxes(picture.opened) <= MOST_BOXES) redraw();
  else ready(); // more than can be read: the picture of the engine, which shows a part
  const doings = { in: () => zoom(0.8), out: () => zoom(1.25), fit, unfold, fold, reset };
  for (const button of $$('.tools button')) button.addEventListener('click', () => doings[button.dataset.do]());
  pointer();
  canvas.addEventListener('keydown', (event) => {
    const index = event.target.dataset.node;
    const keys = { '+': doings.in, '=': doings.in, '-': doings.out, 0: fit, ArrowLeft: () => pan(-0.1, 0), ArrowRight: () => pan(0.1, 0), ArrowUp: () => pan(0, -0.1), ArrowDown: () => pan(0, 0.1) };
    const act = (event.key === 'Enter' || event.key === ' ') && index !== undefined ? () => choose(Number(index)) : keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  canvas.addEventListener('focusin', (event) => {
    if (event.target.dataset.node === undefined || !event.target.matches(':focus-visible')) return;
    const at = boxOf(event.target);
    const { view } = picture;
    if (at.x < view.x || at.y < view.y || at.x + at.w > view.x + view.w || at.y + at.h > view.y + view.h) centre(at.x + at.w / 2, at.y + at.h / 2);
  });
  addEventListener('resize', () => { if (picture.tall === canvas.clientWidth < 560) fit(); else redraw(); });
}

function pointer() {
  const held = new Map();
  let moved = 0;
  const spread = () => { const [a, b] = [...held.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  canvas.addEventListener('pointerdown', (event) => { held.set(event.pointerId, { x: event.clientX, y: event.clientY }); if (held.size === 1) moved = 0; });
  addEventListener('pointermove', (event) => {
    const from = held.get(event.pointerId);
    if (!from) return;
    const before = held.size === 2 ? spread() : 0;
    const to = { x: event.clientX, y: event.clientY };
    held.set(event.pointerId, to);
    moved += Math.abs(to.x - from.x) + Math.abs(to.y - from.y);
    if (held.size === 2) zoom(before / Math.max(1, spread()));
    else if (moved > 4) {
      canvas.classList.add('dragged');
      pan((from.x - to.x) / canvas.clientWidth, (from.y - to.y) / canvas.clientHeight);
    }
  });
  for (const end of ['pointerup', 'pointercancel']) addEventListener(end, (event) => { held.delete(event.pointerId); canvas.classList.remove('dragged'); });
  canvas.addEventListener('click', (event) => {
    const group = event.target.closest('[data-node]');
    if (group && moved <= 4) choose(Number(group.dataset.node));
  });
  canvas.addEventListener('dblclick', (event) => {
    const group = event.target.closest('[data-node]');
    if (group && nodes[Number(group.dataset.node)].children.length) toggle(Number(group.dataset.node));
  });
  canvas.addEventListener('wheel', (event) => { // the page scrolls as ever; with Ctrl, or by pinching a touchpad, it zooms
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const at = canvas.getBoundingClientRect();
    zoom(Math.exp(Math.min(60, Math.max(-60, event.deltaY)) / 200), (event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height);
  }, { passive: false });
}
