// A layered layout for boxes inside boxes: every opened box is laid out by itself and is then one large box outside.

const gap = { x: 46, y: 18, pad: 12, head: 18, port: 14, letter: 6.6 };

// Returns the box a node is seen as: itself, or the outermost closed box around it.
function visible(index, opened) {
  let seen = index;
  for (let at = index; at >= 0; at = nodes[at].parent) if (nodes[at].parent >= 0 && !opened.has(nodes[at].parent)) seen = nodes[at].parent;
  return seen;
}

// Returns the arrows between the boxes that are seen; an arrow that stands for several shows the one that matters most.
function visibleEdges(opened) {
  const seen = new Map();
  const rank = Object.fromEntries(data.flows.map((name, index) => [name, index]));
  for (const edge of edges) {
    const source = visible(edge.source, opened);
    const target = visible(edge.target, opened);
    if (source === target) continue;
    const key = `${source} ${target}`;
    const known = seen.get(key);
    if (!known) seen.set(key, { ...edge, source, target, members: [edge.index], findings: [...edge.findings], losses: [...edge.losses] });
    else {
      known.members.push(edge.index);
      known.findings.push(...edge.findings);
      known.losses.push(...edge.losses);
      if (rank[edge.kind] > rank[known.kind]) Object.assign(known, { kind: edge.kind, op: edge.op, place: edge.place });
    }
  }
  for (const edge of seen.values()) { // gradient leaks where it enters a box that this loss must not feed
    if (edge.kind === 'gradient' && edge.losses.some((loss) => nodes[edge.source].leaks.includes(loss))) edge.kind = 'leak';
  }
  return [...seen.values()];
}

// Returns {boxes: Map(node → {x, y, w, h, frame}), arrows: [{edge, points}], width, height}. It runs from left to right,
// or, where `tall`, from top to bottom: then it is laid out with the axes changed for each other.
function layOut(opened, measure, tall) {
  const size = (node) => { const { w, h } = measure(node); return tall ? { w: h, h: w } : { w, h }; };
  const head = tall ? { x: gap.head, y: 0 } : { x: 0, y: gap.head };
  const chain = (index) => (index < 0 ? [] : [...chain(nodes[index].parent), index]);
  const named = new Set(['cut', 'stopped']);
  const levels = new Map(); // container → the parts of arrows that lie in it
  const drawn = visibleEdges(opened).map((edge) => {
    const [from, to] = [chain(edge.source), chain(edge.target)];
    let depth = 0;
    while (from[depth] === to[depth]) depth += 1;
    const parts = []; // out of the boxes around the source, across, and into those around the target
    for (let k = from.length - 1; k > depth; k -= 1) parts.push({ container: from[k - 1], source: from[k], target: 'out' });
    parts.push({ container: depth ? from[depth - 1] : -1, source: from[depth], target: to[depth] });
    for (let k = depth + 1; k < to.length; k += 1) parts.push({ container: to[k - 1], source: 'in', target: to[k] });
    for (const part of parts) {
      if (!levels.has(part.container)) levels.set(part.container, []);
      part.label = !named.has(edge.kind) ? 0 : tall ? 7 : Math.max(edge.op.length + 2, edge.place ? Math.min(30, edge.place.near.length) : 0);
      levels.get(part.container).push(part);
    }
    return { edge, parts };
  });
  const roots = nodes.filter((node) => node.parent < 0).map((node) => node.index);
  const place = (container) => {
    const members = container < 0 ? roots : nodes[container].children;
    const parts = levels.get(container) || [];
    const inner = new Map();
    const sizes = new Map([['in', { w: 0, h: 0 }], ['out', { w: 0, h: 0 }]]);
    for (const index of members) {
      if (opened.has(index) && nodes[index].children.length) {
        const part = place(index);
        inner.set(index, part);
        const own = size(nodes[index]);
        sizes.set(index, { w: Math.max(part.width + 2 * gap.pad + head.x, tall ? 0 : own.w), h: Math.max(part.height + 2 * gap.pad + head.y, tall ? own.h : 0) });
      } else sizes.set(index, size(nodes[index]));
    }
    const ports = ['in', 'out'].filter((port) => parts.some((part) => part.source === port || part.target === port));
    const touched = new Set(parts.flatMap((part) => [part.source, part.target]));
    const flat = layers([...members.filter((index) => touched.has(index)), ...ports], parts, sizes);
    aside(members.filter((index) => !touched.has(index)), sizes, flat);
    for (const port of ports) flat.boxes.delete(port);
    const held = new Set(parts);
    for (const [index, part] of inner) {
      const box = flat.boxes.get(index);
      box.frame = true;
      const [dx, dy] = [box.x + gap.pad + head.x, box.y + gap.pad + head.y];
      for (const [key, value] of part.boxes) flat.boxes.set(key, { ...value, x: value.x + dx, y: value.y + dy });
      for (const inside of part.held) {
        inside.bends = inside.bends.map(([x, y]) => [x + dx, y + dy]);
        held.add(inside);
      }
    }
    return { ...flat, held };
  };
  const whole = place(-1);
  const turned = ([x, y]) => (tall ? [y, x] : [x, y]);
  const arrows = drawn.map(({ edge, parts }) => {
    const [from, to] = [whole.boxes.get(edge.source), whole.boxes.get(edge.target)];
    const bends = parts.flatMap((part) => part.bends);
    const backward = from.x >= to.x + to.w; // one that closes a circle
    const points = backward ? [[from.x, from.y + from.h / 2], ...bends, [to.x + to.w, to.y + to.h / 2]] : [[from.x + from.w, from.y + from.h / 2], ...bends, [to.x, to.y + to.h / 2]];
    return { edge, backward, points: points.map(turned) };
  });
  if (tall) for (const box of whole.boxes.values()) Object.assign(box, { x: box.y, y: box.x, w: box.h, h: box.w });
  return { boxes: whole.boxes, arrows, width: tall ? whole.height : whole.width, height: tall ? whole.width : whole.height };
}

// Puts boxes that no arrow touches into rows below the others.
function aside(members, sizes, flat) {
  const width = Math.max(flat.width, 640);
  let [x, y, deep] = [0, flat.height ? flat.height + gap.y : 0, 0];
  for (const index of members) {
    const { w, h } = sizes.get(index);
    if (x && x + w > width) [x, y, deep] = [0, y + deep + gap.y, 0];
    flat.boxes.set(index, { x, y, w, h });
    deep = Math.max(deep, h);
    x += w + gap.y;
    flat.width = Math.max(flat.width, x - gap.y);
    flat.height = y + deep;
  }
}

// Lays out the boxes of one container from left to right and writes the bends of its parts of arrows into them.
function layers(members, arrows, sizes) {
  const after = new Map(members.map((m) => [m, []]));
  const before = new Map(members.map((m) => [m, []]));
  const mark = new Map();
  const back = new Set();
  for (const arrow of arrows) after.get(arrow.source).push(arrow);
  for (const start of members) { // arrows that close a circle are turned round; a stack, since chains are long
    if (mark.has(start)) continue;
    const stack = [[start, 0]];
    mark.set(start, 1);
    while (stack.length) {
      const top = stack[stack.length - 1];
      const arrow = after.get(top[0])[top[1]];
      top[1] += 1;
      if (!arrow) { mark.set(top[0], 2); stack.pop(); } else if (mark.get(arrow.target) === 1) back.add(arrow);
      else if (!mark.has(arrow.target)) { mark.set(arrow.target, 1); stack.push([arrow.target, 0]); }
    }
  }
  const links = arrows.map((arrow) => (back.has(arrow) ? { arrow, s: arrow.target, t: arrow.source } : { arrow, s: arrow.source, t: arrow.target }));
  const out = new Map(members.map((m) => [m, []]));
  for (const link of links) { out.get(link.s).push(link); before.get(link.t).push(link); }
  const layer = new Map();
  const waiting = new Map(members.map((m) => [m, before.get(m).length]));
  const queue = members.filter((m) => !waiting.get(m));
  for (let i = 0; i < queue.length; i += 1) {
    const at = queue[i];
    layer.set(at, before.get(at).reduce((most, link) => Math.max(most, layer.get(link.s) + 1), 0));
    for (const link of out.get(at)) {
      waiting.set(link.t, waiting.get(link.t) - 1);
      if (!waiting.get(link.t)) queue.push(link.t);
    }
  }
  for (const at of [...queue].reverse()) { // a box that nothing leads to stands just before what it leads to
    if (!before.get(at).length && out.get(at).length) layer.set(at, out.get(at).reduce((least, link) => Math.min(least, layer.get(link.t)), Infinity) - 1);
  }
  const depths = [...layer].filter(([key]) => key !== 'in' && key !== 'out').map(([, value]) => value);
  if (layer.has('in')) { layer.set('in', Math.min(...depths) - 1); }
  if (layer.has('out')) layer.set('out', Math.max(...depths) + 1);
  const lowest = Math.min(0, ...layer.values());
  for (const [key, value] of layer) layer.set(key, value - lowest);

  // Long arrows pass through points in the layers between; with too many of them they are drawn straight.
  const span = links.reduce((sum, link) => sum + layer.get(link.t) - layer.get(link.s) - 1, 0);
  const cells = members.map((m) => ({ key: m, layer: layer.get(m), ...sizes.get(m), up: [], down: [] }));
  const cell = new Map(cells.map((c) => [c.key, c]));
  const join = (a, b) => { a.down.push(b); b.up.push(a); };
  for (const link of links) {
    let last = cell.get(link.s);
    link.bends = [];
    for (let l = last.layer + 1; span < 4000 && l < layer.get(link.t); l += 1) {
      const bend = { layer: l, w: 0, h: 4, up: [], down: [] };
      cells.push(bend);
      link.bends.push(bend);
      join(last, bend);
      last = bend;
    }
    join(last, cell.get(link.t));
  }
  const rows = [];
  for (const c of cells) (rows[c.layer] ||= []).push(c);
  const mean = (list) => list.reduce((sum, c) => sum + c.y + c.h / 2, 0) / list.length;
  const stack = (row) => { let y = 0; for (const c of row) { c.y = y; y += c.h + gap.y; } };
  rows.forEach(stack);
  for (let sweep = 0; sweep < 10; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      for (const c of row) { const near = down ? c.up : c.down; c.wish = near.length ? mean(near) : c.y + c.h / 2; }
      row.sort((a, b) => a.wish - b.wish);
      stack(row);
      const centre = row.reduce((sum, c) => sum + c.wish, 0) / row.length - row.reduce((sum, c) => sum + c.y + c.h / 2, 0) / row.length;
      for (const c of row) c.y += centre;
    }
  }
  for (let pass = 0; pass < 12; pass += 1) { // boxes move to their neighbours as far as those beside them let them
    for (const row of pass % 2 ? rows : [...rows].reverse()) {
      for (const c of row) {
        const near = pass === 11 ? [...c.up, ...c.down] : pass % 2 ? c.up : c.down;
        if (near.length) c.y = mean(near) - c.h / 2;
      }
      settle(row);
    }
  }
  let x = 0;
  rows.forEach((row, number) => {
    const w = row.reduce((most, c) => Math.max(most, c.w), 0);
    for (const c of row) c.x = x + (w - c.w) / 2;
    const port = (key) => row.length && cell.get(key)?.layer === number;
    const named = arrows.reduce((most, arrow) => (cell.get(arrow.source).layer === number ? Math.max(most, arrow.label) : most), 0);
    x += w + (number === rows.length - 1 ? 0 : port('in') || rows[number + 1].includes(cell.get('out')) ? gap.port : Math.max(gap.x, named * gap.letter));
  });
  const top = cells.reduce((least, c) => Math.min(least, c.y), 0);
  const extent = (value) => cells.reduce((most, c) => Math.max(most, value(c)), 0);
  for (const c of cells) c.y -= top;
  for (const { arrow, bends } of links) {
    arrow.bends = bends.map((bend) => [bend.x, bend.y + 2]);
    if (back.has(arrow)) arrow.bends.reverse();
    if (arrow.source === 'in') arrow.bends.unshift([cell.get('in').x, cell.get('in').y]);
    if (arrow.target === 'out') arrow.bends.push([cell.get('out').x, cell.get('out').y]);
  }
  return { boxes: new Map(members.map((m) => { const c = cell.get(m); return [m, { x: c.x, y: c.y, w: c.w, h: c.h }]; })), width: extent((c) => c.x + c.w), height: extent((c) => c.y + c.h) };
}

// Pushes the boxes of a column apart until none overlaps, keeping their order and moving them as little as they need.
function settle(row) {
  const groups = [];
  for (const c of row) {
    let group = { members: [c], y: c.y, h: c.h };
    while (groups.length && groups[groups.length - 1].y + groups[groups.length - 1].h + gap.y > group.y) {
      const last = groups.pop();
      const offset = last.h + gap.y;
      const [n, m] = [last.members.length, group.members.length];
      group = { members: [...last.members, ...group.members], y: (last.y * n + (group.y - offset) * m) / (n + m), h: offset + group.h };
    }
    groups.push(group);
  }
  for (const group of groups) { let { y } = group; for (const c of group.members) { c.y = y; y += c.h + gap.y; } }
}
