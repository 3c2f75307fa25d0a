// The tree of modules, as one table. Rows are made when their module is opened, so that a thousand layers cost nothing.

const MOST_OPEN = 24;
const treeColumns = ['module or parameter', 'state', 'shape', 'gradient norm', 'update ratio', 'optimizer', 'losses', 'findings'];
const opened = new Set(); // paths of the opened modules; `path buffers` stands for the buffers of one
const BUFFERS = ' buffers';

function startTree() {
  if (!tensors.length) return;
  let left = MOST_OPEN; // what is at fault is open at first, and so is all of a small program
  const open = (module) => {
    for (const child of module.modules) {
      const faulty = child.counts.some((count, state) => count && ['leak', 'blocked'].includes(states[state].css));
      if (left <= 0 || !(faulty || root.size <= MOST_OPEN || module.modules.length === 1)) continue;
      left -= 1;
      opened.add(child.path);
      open(child);
    }
  };
  open(root);
  const head = make('tr', {}, ...treeColumns.map((name) => make('th', { scope: 'col' }, name)));
  $('#tree').append(make('table', {}, make('caption', { class: 'quiet' }, 'Modules with their parameters'),
    make('thead', {}, head), make('tbody', {}, ...rowsBelow(root, 0))));
  $('#tree').hidden = false;
  $('#rows').hidden = true;
}

// Returns the rows below a module: its parameters, its buffers folded, its modules, and what of them is open.
function rowsBelow(module, depth) {
  const named = module.tensors.filter((tensor) => tensor.kind !== 'buffer');
  const buffers = module.tensors.filter((tensor) => tensor.kind === 'buffer');
  const rows = named.map((tensor) => tensorRow(tensor, depth));
  if (buffers.length) rows.push(...bufferRows(module.path + BUFFERS, buffers, depth));
  for (const child of module.modules) {
    rows.push(moduleRow(child, depth));
    if (opened.has(child.path)) rows.push(...rowsBelow(child, depth + 1));
  }
  return rows;
}

function bufferRows(key, buffers, depth) {
  const counts = states.map((state) => buffers.filter((tensor) => tensor.state === state).length);
  const made = { key, name: many(buffers.length, 'buffer'), counts, held: buffers, below: () => buffers.map((tensor) => tensorRow(tensor, depth + 1)) };
  return opened.has(key) ? [groupRow(made, depth), ...made.below()] : [groupRow(made, depth)];
}

function moduleRow(module, depth) {
  const prefix = `${module.path}.`;
  const held = tensors.slice(...module.range);
  const row = groupRow({ key: module.path, name: module.name, counts: module.counts, held, below: () => rowsBelow(module, depth + 1) }, depth);
  row.dataset.module = prefix.slice(0, -1);
  return row;
}

function groupRow({ key, name, counts, held, below }, depth) {
  const button = make('button', { type: 'button', class: 'fold', 'aria-expanded': String(opened.has(key)) }, make('span', { class: 'name' }, name));
  const first = make('th', { scope: 'row' }, button);
  first.style.paddingLeft = `${depth * 1.3}rem`;
  const total = held.length;
  const chips = states.flatMap((state, index) => (counts[index] ? [badge(state), counts[index] === total ? ' ' : make('span', { class: 'sum' }, ` ${counts[index]} `)] : []));
  const norms = held.map((tensor) => Number(tensor.norm)).filter((norm) => norm > 0);
  const shared = (value) => { const seen = new Set(held.map(value).filter(Boolean)); return seen.size === 0 ? '–' : seen.size === 1 ? [...seen][0] : `${seen.size} different`; };
  const found = [...new Set(held.flatMap((tensor) => tensor.findings))].sort((a, b) => a - b);
  const row = make('tr', { class: 'group' }, first, make('td', {}, ...chips),
    make('td', { class: 'sum' }, `${many(total, 'tensor')}, ${many(held.reduce((sum, tensor) => sum + tensor.numel, 0), 'element')}`),
    make('td', { class: 'sum' }, norms.length ? `${Number(Math.hypot(...norms).toPrecision(3))}` : '–'),
    make('td', { class: 'sum' }, `${held.filter((tensor) => tensor.updated).length} moved`),
    make('td', { class: 'sum' }, shared((tensor) => tensor.optimizers)), make('td', { class: 'sum' }, shared((tensor) => tensor.losses)),
    make('td', {}, links(found)));
  row.depth = depth;
  button.addEventListener('click', () => turn(row, key, below));
  return row;
}

function tensorRow(tensor, depth) {
  const notes = [tensor.declared && `declared at ${tensor.declared}`, tensor.aliases.length && `also called ${tensor.aliases.join(', ')}`].filter(Boolean);
  const first = make('th', { scope: 'row', title: notes.join('; ') || null }, make('span', { class: 'name' }, tensor.name), tensor.requiresGrad || tensor.kind === 'buffer' ? '' : make('span', { class: 'sum' }, ' requires_grad=False'));
  first.style.paddingLeft = `${depth * 1.3 + 1.2}rem`;
  const cells = [badge(tensor.state), `${tensor.shape} ${tensor.dtype}`, gradient(tensor), ratio(tensor), tensor.optimizers || '–', tensor.losses || '–', links(tensor.findings)];
  const row = make('tr', { 'data-parameter': tensor.path }, first, ...cells.map((cell) => make('td', {}, cell)));
  row.depth = depth;
  return row;
}

// Opens or closes a row: what is below it comes or goes.
function turn(row, key, below) {
  const open = !opened.has(key);
  $('button', row).setAttribute('aria-expanded', String(open));
  if (open) {
    opened.add(key);
    row.after(...below());
  } else {
    opened.delete(key);
    while (row.nextElementSibling && row.nextElementSibling.depth > row.depth) row.nextElementSibling.remove();
  }
}

// Opens the tree down to a module or tensor and returns its row.
function reveal(path) {
  for (const module of modules.values()) if (module.path && path.startsWith(`${module.path}.`)) opened.add(module.path);
  const tensor = tensors.find((candidate) => candidate.path === path);
  if (tensor && tensor.kind === 'buffer') opened.add(path.slice(0, Math.max(0, path.length - tensor.name.length - 1)) + BUFFERS);
  if (modules.has(path)) opened.add(path);
  const body = $('#tree tbody');
  if (!body) return null;
  body.replaceChildren(...rowsBelow(root, 0));
  const here = $$('tr', body).find((row) => row.dataset.parameter === path || row.dataset.module === path);
  if (here) here.classList.add('here');
  return here || null;
}
