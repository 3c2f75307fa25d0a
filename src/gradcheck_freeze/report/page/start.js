// Starts the page: light or dark, the parts, and what the address names.

function startTheme() {
  const button = $('#theme');
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const remembered = () => { try { return localStorage.getItem('gradcheck-freeze-theme'); } catch { return null; } }; // a sandboxed page has no storage
  let chosen = remembered();
  const apply = () => {
    const theme = chosen || (dark.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === 'dark' ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Change to ${theme === 'dark' ? 'light' : 'dark'} colours`);
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    try { localStorage.setItem('gradcheck-freeze-theme', chosen); } catch { /* then it holds for this visit */ }
    apply();
  });
  dark.addEventListener('change', apply);
  apply();
}

function startCards() {
  for (const button of $$('.light')) {
    const finding = findings.find(({ id }) => id === button.dataset.finding);
    if (!finding || !picture.svg) continue;
    button.hidden = false;
    button.addEventListener('click', () => {
      light(picture.lit === finding.index ? null : finding.index);
      if (picture.lit !== null) { showPath(); $('#picture').scrollIntoView(); }
    });
  }
  for (const button of $$('.copy')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const code = $('code', button.parentElement);
      try {
        await navigator.clipboard.writeText(`${code.textContent}\n`);
        button.textContent = 'Copied';
      } catch { // a page from an insecure place may not write there: the reader can, with one key
        getSelection().selectAllChildren(code);
        button.textContent = 'Selected: press Ctrl+C';
      }
    });
  }
}

// Moves the picture to where the lit path is, if it is not all in view.
function showPath() {
  const lit = picture.svg && $('.edge.cut.lit, .node.lit', picture.svg);
  if (!lit) return;
  const at = boxOf(lit);
  centre(at.x + at.w / 2, at.y + at.h / 2);
}

// Goes to what the address names: a finding, a module, a parameter, a rule.
function follow() {
  const [, kind, rest] = /^#([a-z]+)-(.*)$/s.exec(location.hash) || [];
  let name;
  try { name = decodeURIComponent(rest || ''); } catch { return; }
  if (kind === 'finding') {
    const finding = findings.find(({ id }) => id === name);
    const card = document.getElementById(`finding-${name}`);
    for (const other of $$('[aria-current]')) other.removeAttribute('aria-current');
    if (card) { card.setAttribute('aria-current', 'true'); card.scrollIntoView(); card.focus({ preventScroll: true }); }
    if (finding) { light(finding.index); showPath(); }
  } else if (kind === 'module' || kind === 'parameter') {
    const here = reveal(name);
    if (here) { here.scrollIntoView({ block: 'center' }); ($('button', here) || here).focus({ preventScroll: true }); }
    const box = nodes.find((node) => node.module === name && name && (!canvas || drawnNow(node.index)));
    if (box && canvas) show(box.index);
  } else if (kind === 'rule') {
    const rule = document.getElementById(`rule-${name}`);
    if (rule) { rule.open = true; rule.scrollIntoView(); $('summary', rule).focus({ preventScroll: true }); }
  }
}

const drawnNow = (index) => Boolean(picture.svg && $(`[data-node="${index}"]`, picture.svg));

startTheme();
startPicture();
startCards();
startTree();
startSearch();
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !event.target.closest('.search')) { light(null); closePanel(); } });
addEventListener('hashchange', follow);
follow();
