// The panel beside the picture: what a chosen box holds and what was found about it.

const panel = $('#panel');
const MOST_TENSORS = 60;

function openPanel(node) {
  const held = tensorsOf(node);
  const found = [...new Set([...node.findings, ...held.flatMap((tensor) => tensor.findings)])];
  const parts = [
    make('button', { type: 'button', class: 'close', 'aria-label': 'Close the details', onclick: closePanel }, '×'),
    make('h3', {}, `${node.label || node.kind} `, node.state ? badge(node.state) : ''),
  ];
  if (node.place) parts.push(make('p', {}, make('code', { title: node.place.path }, node.place.near), ' ', make('code', {}, node.place.text)));
  if (node.count > 1) parts.push(make('p', {}, `Stands for ${node.count} alike.`));
  if (node.children.length) {
    const open = picture.opened.has(node.index);
    parts.push(make('p', {}, make('button', { type: 'button', class: 'toggle', onclick: () => toggle(node.index) }, open ? 'Fold this box' : `Unfold: ${many(node.children.length, 'box').replace('boxs', 'boxes')} inside`)));
  }
  if (node.parent >= 0) parts.push(make('p', {}, make('button', { type: 'button', class: 'toggle', onclick: () => toggle(node.parent) }, `Fold ${nodes[node.parent].label}`)));
  if (found.length) {
    parts.push(make('h4', {}, 'Findings'), make('ul', {}, ...found.map((index) => make('li', {}, findingLink(findings[index])))));
  }
  if (held.length) {
    parts.push(make('h4', {}, `${many(held.length, 'tensor')}`), tensorTable(held.slice(0, MOST_TENSORS), node.module, true));
    if (held.length > MOST_TENSORS) parts.push(make('p', {}, `and ${(held.length - MOST_TENSORS).toLocaleString('en')} more`));
    if (node.module && modules.has(node.module)) parts.push(make('p', {}, make('a', { href: fragment('module', node.module) }, 'In the tree of modules')));
  }
  panel.replaceChildren(...parts);
  panel.hidden = false;
  const { svg } = picture;
  if (svg && !panel.dataset.told) { panel.dataset.told = '1'; fit(); mark(); }
}

function closePanel() {
  if (!panel || panel.hidden) return;
  panel.hidden = true;
  delete panel.dataset.told;
  const group = picture.svg && $(`[data-node="${picture.chosen}"]`, picture.svg);
  picture.chosen = -1;
  fit();
  mark();
  if (group) group.focus({ preventScroll: true });
}

function findingLink(finding) {
  return make('a', { href: `#finding-${finding.id}` }, `${finding.severity} ${finding.rule} ${finding.name}`);
}

// Returns a table of tensors; names are told from the module on. The brief one has what fits a narrow panel.
function tensorTable(held, above, brief) {
  const columns = brief
    ? [['state', (t) => badge(t.state)], ['shape', (t) => t.shape], ['gradient', gradient]]
    : [['state', (t) => badge(t.state)], ['shape', (t) => `${t.shape} ${t.dtype}`], ['gradient', gradient], ['update ratio', ratio], ['optimizer', (t) => t.optimizers || '–'], ['losses', (t) => t.losses || '–'], ['findings', (t) => links(t)]];
  const relative = (tensor) => (above && tensor.path.startsWith(`${above}.`) ? tensor.path.slice(above.length + 1) : tensor.path);
  const head = make('tr', {}, make('th', { scope: 'col' }, 'name'), ...columns.map(([name]) => make('th', { scope: 'col' }, name)));
  const rows = held.map((tensor) => make('tr', { 'data-parameter': brief ? null : tensor.path },
    make('th', { scope: 'row', title: [tensor.declared && `declared at ${tensor.declared}`, tensor.aliases.length && `also called ${tensor.aliases.join(', ')}`].filter(Boolean).join('; ') || null },
      make('code', { class: 'name' }, relative(tensor)), tensor.kind === 'buffer' ? ' (buffer)' : '', tensor.requiresGrad || tensor.kind === 'buffer' ? '' : ' · requires_grad=False'),
    ...columns.map(([, value]) => make('td', {}, value(tensor)))));
  return make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows));
}

function links(tensor) {
  const list = document.createDocumentFragment();
  for (const index of tensor.findings) list.append(make('a', { href: `#finding-${findings[index].id}` }, findings[index].rule), ' ');
  return list;
}

const gradient = (tensor) => (tensor.gradient === 'none' ? 'none' : tensor.norm === '' ? tensor.gradient : tensor.gradient === 'finite' ? `norm ${tensor.norm}` : `${tensor.gradient} ${tensor.norm}`);
const ratio = (tensor) => (tensor.ratio === '' ? (tensor.updated ? 'moved' : 'not moved') : `${tensor.ratio}`);
