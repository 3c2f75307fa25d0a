// The light: a chosen finding lights the way from what it hits to the loss, in the picture and in its card.

// Returns the arrows and boxes between what a finding hits and the losses: its cuts, every way in of a leak, and from
// there the shortest way on.
function pathOf(finding) {
  const shown = visibleEdges(picture.opened);
  const hit = new Set(nodes.filter((node) => node.findings.includes(finding)).map((node) => visible(node.index, picture.opened)));
  const lit = { nodes: new Set(hit), edges: new Set() };
  const take = (edge) => {
    edge.members.forEach((member) => lit.edges.add(member));
    lit.nodes.add(edge.source).add(edge.target);
  };
  const onwards = waysOn(shown);
  for (const edge of shown) if (edge.findings.includes(finding) || (edge.kind === 'leak' && hit.has(edge.source))) take(edge);
  for (const start of [...lit.nodes]) for (let edge = onwards.get(start); edge; edge = onwards.get(edge.target)) take(edge);
  return lit;
}

// Returns for every box the first arrow of its shortest way to a loss.
function waysOn(shown) {
  const into = new Map();
  for (const edge of shown) into.set(edge.target, [...(into.get(edge.target) || []), edge]);
  const queue = nodes.filter((node) => node.kind === 'loss').map((node) => visible(node.index, picture.opened));
  const onwards = new Map(queue.map((loss) => [loss, null]));
  for (let i = 0; i < queue.length; i += 1) {
    for (const edge of into.get(queue[i]) || []) {
      if (onwards.has(edge.source)) continue;
      onwards.set(edge.source, edge);
      queue.push(edge.source);
    }
  }
  return onwards;
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
