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
    parts.push(make('h4', {}, `${many(held.length, 'tensor')}`), tensorTable(held.slice(0, MOST_TENSORS), node.module));
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

// Returns a short table of tensors, their names told from the module on.
function tensorTable(held, above) {
  const relative = (tensor) => (above && tensor.path.startsWith(`${above}.`) ? tensor.path.slice(above.length + 1) : tensor.path);
  const head = make('tr', {}, ...['name', 'state', 'shape', 'gradient norm'].map((name) => make('th', { scope: 'col' }, name)));
  const rows = held.map((tensor) => make('tr', {},
    make('th', { scope: 'row' }, make('a', { href: fragment('parameter', tensor.path), class: 'name' }, relative(tensor)), tensor.kind === 'buffer' ? ' (buffer)' : ''),
    ...[badge(tensor.state), tensor.shape, gradient(tensor)].map((cell) => make('td', {}, cell))));
  return make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows));
}

function links(found) {
  const list = document.createDocumentFragment();
  for (const index of found.slice(0, 8)) list.append(make('a', { href: `#finding-${findings[index].id}`, title: findings[index].name }, findings[index].rule), ' ');
  if (found.length > 8) list.append(`+${found.length - 8}`);
  return list;
}

const gradient = (tensor) => (tensor.gradient === 'none' ? 'none' : tensor.norm === '' ? tensor.gradient : tensor.gradient === 'finite' ? `${tensor.norm}` : `${tensor.gradient} ${tensor.norm}`);
const ratio = (tensor) => (tensor.ratio === '' ? (tensor.updated ? 'moved' : 'not moved') : `${tensor.ratio}`);
