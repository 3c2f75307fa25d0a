// A layered layout for boxes inside boxes: every opened box is laid out by itself and is then one large box outside.

const gap = { x: 46, y: 18, pad: 14, head: 20 };

// Returns the box a node is seen as: itself, or the outermost closed box around it.
function visible(index, opened) {
  let seen = index;
  for (let at = index; at >= 0; at = nodes[at].parent) if (nodes[at].parent >= 0 && !opened.has(nodes[at].parent)) seen = nodes[at].parent;
  return seen;
}

// Returns the arrows between the boxes that are seen; an arrow that stands for several is a gradient's where one is.
function visibleEdges(opened) {
  const seen = new Map();
  const rank = { data: 0, cut: 1, gradient: 2 };
  for (const edge of edges) {
    const source = visible(edge.source, opened);
    const target = visible(edge.target, opened);
    if (source === target) continue;
    const key = `${source} ${target}`;
    const known = seen.get(key);
    if (!known) seen.set(key, { ...edge, source, target, members: [edge.index], findings: [...edge.findings] });
    else {
      known.members.push(edge.index);
      known.findings.push(...edge.findings);
      if (rank[edge.kind] > rank[known.kind]) Object.assign(known, { kind: edge.kind, op: edge.op, place: edge.place });
    }
  }
  return [...seen.values()];
}

// Returns {boxes: Map(node → {x, y, w, h, frame}), arrows: [{edge, points}], width, height}.
function layOut(opened, measure) {
  const shown = visibleEdges(opened);
  const chain = (index) => (index < 0 ? [] : [...chain(nodes[index].parent), index]);
  const levels = new Map(); // container → arrows between its boxes
  for (const edge of shown) {
    const [from, to] = [chain(edge.source), chain(edge.target)];
    let depth = 0;
    while (from[depth] === to[depth] && depth < Math.min(from.length, to.length) - 1) depth += 1;
    const container = depth ? from[depth - 1] : -1;
    if (!levels.has(container)) levels.set(container, []);
    levels.get(container).push({ edge, source: from[depth], target: to[depth] });
  }
  const place = (container) => {
    const members = container < 0 ? nodes.filter((node) => node.parent < 0).map((node) => node.index) : nodes[container].children;
    const inner = new Map();
    const sizes = new Map();
    for (const index of members) {
      if (opened.has(index) && nodes[index].children.length) {
        const part = place(index);
        inner.set(index, part);
        sizes.set(index, { w: Math.max(part.width + 2 * gap.pad, measure(nodes[index]).w), h: part.height + 2 * gap.pad + gap.head });
      } else sizes.set(index, measure(nodes[index]));
    }
    const flat = layers(members, levels.get(container) || [], sizes);
    for (const [index, part] of inner) {
      const box = flat.boxes.get(index);
      box.frame = true;
      const [dx, dy] = [box.x + gap.pad, box.y + gap.pad + gap.head];
      for (const [key, value] of part.boxes) flat.boxes.set(key, { ...value, x: value.x + dx, y: value.y + dy });
      for (const arrow of part.arrows) flat.arrows.push({ ...arrow, bends: arrow.bends.map(([x, y]) => [x + dx, y + dy]) });
    }
    return flat;
  };
  const drawn = place(-1);
  for (const arrow of drawn.arrows) {
    const [from, to] = [drawn.boxes.get(arrow.edge.source), drawn.boxes.get(arrow.edge.target)];
    const bends = arrow.back ? [...arrow.bends].reverse() : arrow.bends;
    arrow.points = [[from.x + from.w, from.y + from.h / 2], ...bends, [to.x, to.y + to.h / 2]];
  }
  return drawn;
}

// Lays out boxes of one container from left to right.
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
    layer.set(at, Math.max(0, ...before.get(at).map((link) => layer.get(link.s) + 1)));
    for (const link of out.get(at)) {
      waiting.set(link.t, waiting.get(link.t) - 1);
      if (!waiting.get(link.t)) queue.push(link.t);
    }
  }
  for (const at of [...queue].reverse()) { // a box that nothing leads to stands just before what it leads to
    if (!before.get(at).length && out.get(at).length) layer.set(at, Math.min(...out.get(at).map((link) => layer.get(link.t))) - 1);
  }

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
  for (const row of rows) {
    const w = Math.max(...row.map((c) => c.w));
    const labels = row.some((c) => links.some((link) => link.arrow.edge.kind === 'cut' && cell.get(link.s) === c));
    for (const c of row) c.x = x + (w - c.w) / 2;
    x += w + gap.x + (labels ? 70 : 0);
  }
  const top = Math.min(0, ...cells.map((c) => c.y));
  for (const c of cells) c.y -= top;
  return {
    boxes: new Map(members.map((m) => { const c = cell.get(m); return [m, { x: c.x, y: c.y, w: c.w, h: c.h }]; })),
    arrows: links.map((link) => ({ edge: link.arrow.edge, back: back.has(link.arrow), bends: link.bends.map((b) => [b.x, b.y + 2]) })),
    width: Math.max(0, ...cells.map((c) => c.x + c.w)),
    height: Math.max(0, ...cells.map((c) => c.y + c.h)),
  };
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
