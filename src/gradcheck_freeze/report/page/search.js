// The search over modules, parameters and findings: `/` goes to it, arrows walk the hits, Escape leaves.

const MOST_HITS = 40;

function hitsFor(text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  const fits = (...parts) => { const all = parts.join(' ').toLowerCase(); return wanted.every((word) => all.includes(word)); };
  const found = findings.filter((f) => fits(f.rule, f.name, f.where, f.message, f.severity)).map((f) => [`#finding-${f.id}`, 'finding', `${f.rule} ${f.message}`]);
  for (const path of modules.keys()) if (path && found.length < MOST_HITS && fits(path)) found.push([fragment('module', path), 'module', path]);
  for (const tensor of tensors) {
    if (found.length >= MOST_HITS) break;
    if (fits(tensor.path, tensor.state.word, ...tensor.aliases)) found.push([fragment('parameter', tensor.path), tensor.kind, tensor.path]);
  }
  return found.slice(0, MOST_HITS);
}

function startSearch() {
  const [field, list] = [$('#search'), $('#hits')];
  field.closest('.search').hidden = false;
  const close = () => { list.hidden = true; };
  field.addEventListener('input', () => {
    const found = hitsFor(field.value);
    list.replaceChildren(...(found.length ? found.map(([href, kind, text]) => make('li', {}, make('a', { href, onclick: close }, make('small', {}, kind), ` ${text}`))) : [make('li', {}, 'nothing found')]));
    list.hidden = !field.value.trim();
  });
  field.closest('.search').addEventListener('keydown', (event) => {
    const links = $$('a', list);
    const at = links.indexOf(document.activeElement);
    if (event.key === 'Escape') { close(); field.value = ''; field.focus(); }
    else if (event.key === 'ArrowDown' && links.length) { event.preventDefault(); links[Math.min(at + 1, links.length - 1)].focus(); }
    else if (event.key === 'ArrowUp' && links.length) { event.preventDefault(); if (at > 0) links[at - 1].focus(); else field.focus(); }
    else if (event.key === 'Enter' && at < 0 && links.length) { event.preventDefault(); links[0].click(); }
  });
  document.addEventListener('click', (event) => { if (!event.target.closest('.search')) close(); });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !event.target.matches('input')) { event.preventDefault(); field.focus(); field.select(); }
  });
}
