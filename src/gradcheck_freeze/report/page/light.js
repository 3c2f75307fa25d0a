// The light: a chosen finding lights the way from what it hits to the loss, in the picture and in its card.

// Returns the arrows and boxes that lead from what a finding hits on to the losses, by its cut where it has one.
function pathOf(finding) {
  const shown = visibleEdges(picture.opened);
  const hit = new Set(nodes.filter((node) => node.findings.includes(finding)).map((node) => visible(node.index, picture.opened)));
  const mine = shown.filter((edge) => edge.findings.includes(finding));
  for (const edge of mine) { hit.add(edge.source); }
  const next = new Map();
  for (const edge of shown) { if (!next.has(edge.source)) next.set(edge.source, []); next.get(edge.source).push(edge); }
  const lit = { nodes: new Set(hit), edges: new Set(mine.flatMap((edge) => edge.members)) };
  const starts = new Set(hit);
  for (const edge of shown) { // every way in of a leak is lit
    if (edge.kind !== 'leak' || !hit.has(edge.source)) continue;
    edge.members.forEach((member) => lit.edges.add(member));
    lit.nodes.add(edge.target);
    starts.add(edge.target);
  }
  const ends = new Set(nodes.filter((node) => node.kind === 'loss').map((node) => node.index));
  for (const start of starts) { // nearest loss first; a cut is preferred, since it is what the finding is about
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
