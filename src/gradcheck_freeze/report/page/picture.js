// The picture: moved, zoomed, opened and closed; a chosen box tells what it holds, a chosen finding lights its path.

const canvas = $('#canvas');
const said = $('#said');
const MOST_BOXES = 1200;
const MOST_AT_FIRST = 60;
const picture = { svg: null, view: null, whole: null, opened: null, lit: null, chosen: -1 };
const first = openedAtFirst();

// Returns the boxes to open at first: those of which a part is at fault and another is not, and those that a blamed cut
// lies in, as long as the picture stays small; and the one box around everything.
function openedAtFirst() {
  const around = new Set();
  let left = 40; // tries that may fail
  for (const index of [...wantedOpen(), ...rootBoxes().length === 1 ? rootBoxes() : []]) {
    const added = above(index).filter((box) => !around.has(box) && nodes[box].children.length);
    added.forEach((box) => around.add(box));
    if (!added.length || countBoxes(around) <= MOST_AT_FIRST) continue;
    added.forEach((box) => around.delete(box));
    left -= 1;
    if (!left) break;
  }
  return around;
}

// Returns a box and those around it, from the outside in, down to a run of alike ones, which stays closed.
function above(index) {
  if (index < 0) return [];
  const outer = above(nodes[index].parent);
  return nodes[index].run || (outer.length && nodes[outer[outer.length - 1]].run) ? outer : [...outer, index];
}

function wantedOpen() {
  const held = new Map(); // box → the states of what is in it
  for (const node of nodes) {
    if (node.children.length || !node.state) continue;
    for (let at = node.parent; at >= 0; at = nodes[at].parent) held.set(at, (held.get(at) || new Set()).add(node.state.css));
  }
  const wanted = new Set([...held.keys()].filter((index) => held.get(index).size > 1 && ['leak', 'blocked'].some((css) => held.get(index).has(css))));
  for (const edge of edges) {
    if (!edge.findings.length) continue;
    const [from, to] = [above(edge.source), above(edge.target)];
    from.filter((index) => to.includes(index)).forEach((index) => wanted.add(index));
  }
  return [...wanted].sort((a, b) => above(a).length - above(b).length || a - b);
}

function rootBoxes() {
  return nodes.filter((node) => node.parent < 0 && node.kind === 'module').map((node) => node.index);
}

function countBoxes(open) {
  return new Set(nodes.map((node) => visible(node.index, open))).size;
}

// Draws the boxes as they are opened now, from left to right, or from top to bottom where the page is narrow.
function redraw() {
  picture.tall = canvas.clientWidth < 560;
  picture.svg = drawn();
  canvas.replaceChildren(picture.svg);
  ready();
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
  const all = height / whole.h;
  const last = Math.min(scale, all > 0.8 * readable ? all : readable);  // a little small is better than a piece cut off
  picture.view = { w: width / last, h: height / last };
  const fault = $('.edge.cut', picture.svg) || foremost($$('.node.blocked, .node.leak', picture.svg)) || $('.node', picture.svg);
  const at = picture.view.w >= whole.w - 1 && picture.view.h >= whole.h - 1 || !fault ? whole : boxOf(fault);
  centre(at.x + at.w / 2, at.y + at.h / 2);
}

// Returns the element that comes first on the way of the data.
function foremost(elements) {
  const place = (element) => boxOf(element)[picture.tall ? 'y' : 'x'];
  return [...elements].reduce((found, element) => (found && place(found) <= place(element) ? found : element), null);
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
  picture.opened = new Set(first);
  if (!canvas || countBoxes(first) > MOST_BOXES) return; // more than can be read: the picture that is there shows a part
  canvas.classList.add('ready');
  $('.tools').hidden = false;
  $('[data-do=fold]').hidden = $('[data-do=unfold]').hidden = !nodes.some((node) => node.children.length);
  redraw();
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
