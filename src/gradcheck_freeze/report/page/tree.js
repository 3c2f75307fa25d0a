// The tree of modules. A branch is made when it is opened, so that a thousand layers cost nothing until then.

const MOST_OPEN = 24;

function startTree() {
  const place = $('#tree');
  if (!tensors.length) return;
  const list = branches(root);
  place.append(list);
  place.hidden = false;
  $('#rows').hidden = true;
  let left = MOST_OPEN; // what is at fault is open at first
  const open = (from) => {
    for (const item of $$(':scope > li > details', from)) {
      const faulty = item.module.counts.some((count, state) => count && (states[state].css === 'leak' || states[state].css === 'blocked'));
      if (left <= 0 || !(faulty || root.size <= MOST_OPEN || from.children.length === 1)) continue;
      left -= 1;
      fill(item);
      item.open = true;
      open($(':scope > ul', item));
    }
  };
  open(list);
}

function branches(module) {
  const list = make('ul', {});
  const named = module.tensors.filter((tensor) => tensor.kind !== 'buffer');
  const buffers = module.tensors.filter((tensor) => tensor.kind === 'buffer');
  const faulty = buffers.some((tensor) => tensor.findings.length);
  if (named.length) list.append(make('li', {}, scrolled(tensorTable(named, module.path, false), `Parameters of ${module.path || 'the program'}`)));
  if (buffers.length) {
    list.append(make('li', {}, make('details', { open: faulty, class: 'buffers' }, make('summary', {}, many(buffers.length, 'buffer')),
      scrolled(tensorTable(buffers, module.path, false), `Buffers of ${module.path || 'the program'}`))));
  }
  for (const child of module.modules) list.append(make('li', {}, branch(child)));
  return list;
}

function scrolled(table, name) {
  return make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': name }, table);
}

function branch(module) {
  const chips = states.flatMap((state, index) => (module.counts[index] ? [badge(state), module.counts[index] === module.size ? '' : make('span', { class: 'sum' }, String(module.counts[index]))] : []));
  const summary = make('summary', {}, make('code', { class: 'name' }, module.name), ...chips, make('span', { class: 'sum' }, `${many(module.size, 'tensor')}, ${many(module.numel, 'element')}`));
  const item = make('details', { 'data-module': module.path }, summary);
  item.module = module;
  item.addEventListener('toggle', () => { if (item.open) fill(item); });
  return item;
}

function fill(item) {
  if (!$(':scope > ul', item)) item.append(branches(item.module));
}

// Opens the tree down to a module or tensor and returns its element.
function reveal(path) {
  let [at, found] = [$('#tree > ul'), null];
  for (;;) {
    const inside = at && $$(':scope > li > details[data-module]', at).find(({ module }) => path === module.path || path.startsWith(`${module.path}.`));
    if (!inside) break;
    fill(inside);
    inside.open = true;
    found = inside;
    at = $(':scope > ul', inside);
    if (inside.module.path === path) break;
  }
  const row = $$('tr[data-parameter]', found || $('#tree')).find((candidate) => candidate.dataset.parameter === path);
  if (row) row.closest('details').open = true;
  for (const old of $$('.here')) old.classList.remove('here');
  const here = row || (found && found.module.path === path ? found : null);
  if (here) here.classList.add('here');
  return here || found;
}
