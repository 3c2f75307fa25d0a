// How boxes and arrows look: the shape, the line and the word of each state, as in every picture of this report.

const NS = 'http://www.w3.org/2000/svg';

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
  return { w: Math.max(54, 7 * Math.max(label.length + fold, word.length) + 22 + slanted), h: word ? (slanted && node.state.css === 'leak' ? 50 : 42) : 30 };
}

function drawn() {
  const plan = layOut(picture.opened, measure, picture.tall);
  const svg = draw('svg', { viewBox: `-12 -12 ${Math.ceil(plan.width) + 24} ${Math.ceil(plan.height) + 24}` });
  const frames = draw('g', {}, svg);
  const lines = draw('g', {}, svg);
  const boxes = draw('g', {}, svg);
  const labels = draw('g', {}, svg); // above the boxes, so that none is hidden
  for (const [index, box] of [...plan.boxes].sort((a, b) => b[1].w * b[1].h - a[1].w * a[1].h)) {
    if (box.frame) drawFrame(nodes[index], box, frames);
    else drawBox(nodes[index], box, boxes);
  }
  for (const arrow of plan.arrows) drawArrow(arrow, lines, labels);
  return svg;
}

function drawFrame(node, { x, y, w, h }, parent) {
  const group = draw('g', { class: `frame ${node.state ? node.state.css : ''}`, 'data-node': node.index, 'data-open': '' }, parent);
  draw('rect', { x, y, width: w, height: h, rx: 8 }, group);
  draw('text', { x: x + 10, y: y + 17, 'font-size': 12 }, group, `▾ ${words(node).join('  ')}`);
}

// The outlines of the states, in a box of this place and size.
const outlines = {
  leak: ({ x, y, w, h }, group) => { // an octagon with a double border
    for (const d of [0, 4]) {
      const corners = [[9, d], [w - 9, d], [w - d, 9], [w - d, h - 9], [w - 9, h - d], [9, h - d], [d, h - 9], [d, 9]];
      draw('polygon', { points: corners.map(([dx, dy]) => [x + dx, y + dy]).join(' ') }, group);
    }
  },
  blocked: ({ x, y, w, h }, group) => draw('polygon', { points: [[x + 12, y], [x + w - 12, y], [x + w, y + h / 2], [x + w - 12, y + h], [x + 12, y + h], [x, y + h / 2]].join(' ') }, group),
  frozen: ({ x, y, w, h }, group) => { // a note with a folded corner
    draw('polygon', { points: [[x, y], [x + w - 8, y], [x + w, y + 8], [x + w, y + h], [x, y + h]].join(' ') }, group);
    draw('polyline', { class: 'hollow', points: [[x + w - 8, y], [x + w - 8, y + 8], [x + w, y + 8]].join(' ') }, group);
  },
  loss: ({ x, y, w, h }, group) => draw('ellipse', { cx: x + w / 2, cy: y + h / 2, rx: w / 2, ry: h / 2 }, group),
  learning: ({ x, y, w, h }, group) => draw('rect', { x, y, width: w, height: h, rx: 10 }, group),
  plain: ({ x, y, w, h }, group) => draw('rect', { x, y, width: w, height: h }, group),
};

function drawBox(node, box, parent) {
  const { x, y, w, h } = box;
  const css = node.state ? node.state.css : node.kind === 'loss' ? 'loss' : '';
  const group = draw('g', { class: `node ${css}`, 'data-node': node.index }, parent);
  (outlines[css] || outlines.plain)(box, group);
  const [label, word] = words(node);
  const folded = node.children.length ? '▸ ' : '';
  draw('text', { x: x + w / 2, y: y + h / 2 + (word ? -3 : 4), 'text-anchor': 'middle', 'font-size': 12 }, group, folded + label);
  if (word) draw('text', { x: x + w / 2, y: y + h / 2 + 12, 'text-anchor': 'middle', 'font-size': 12 }, group, word);
}

function drawArrow({ edge, points, backward }, lines, labels) {
  const marks = { class: `edge ${edge.kind === 'leak' ? 'gradient leaking' : edge.kind}`, 'data-edge': edge.members.join(' ') };
  const group = draw('g', marks, lines);
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
  const middle = Math.floor((way.length - 1) / 2);
  const [x, y] = [0, 1].map((axis) => (way[middle][axis] + way[middle + 1][axis]) / 2);
  const write = (text, dx, dy, size, anchor) => draw('text', { x: x + dx, y: y + dy, 'text-anchor': anchor, class: 'halo', 'paint-order': 'stroke', 'font-size': size }, label, text);
  const label = edge.kind === 'leak' || edge.kind === 'cut' || edge.kind === 'stopped' ? draw('g', marks, labels) : null;
  if (edge.kind === 'leak') write('⚠', 0, 4, 12, 'middle');
  else if (label) {
    const [dx, dy, anchor] = picture.tall ? [10, 7, 'start'] : [0, -7, 'middle'];
    write(`✂ ${short(edge.op, 24)}`, dx, edge.place ? dy - 12 : dy, 11, anchor);
    if (edge.place) write(short(edge.place.near, 30), dx, dy, 10, anchor);
  }
}
