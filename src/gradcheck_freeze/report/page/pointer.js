// The picture under a mouse, a finger or two.

function pointer() {
  const held = new Map();
  let moved = 0;
  const spread = () => { const [a, b] = [...held.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  canvas.addEventListener('pointerdown', (event) => { held.set(event.pointerId, { x: event.clientX, y: event.clientY }); if (held.size === 1) moved = 0; });
  addEventListener('pointermove', (event) => {
    const from = held.get(event.pointerId);
    if (!from) return;
    const before = held.size === 2 ? spread() : 0;
    const to = { x: event.clientX, y: event.clientY };
    held.set(event.pointerId, to);
    moved += Math.abs(to.x - from.x) + Math.abs(to.y - from.y);
    if (held.size === 2) zoom(before / Math.max(1, spread()));
    else if (moved > 4) {
      canvas.classList.add('dragged');
      pan((from.x - to.x) / canvas.clientWidth, (from.y - to.y) / canvas.clientHeight);
    }
  });
  for (const end of ['pointerup', 'pointercancel']) addEventListener(end, (event) => { held.delete(event.pointerId); canvas.classList.remove('dragged'); });
  canvas.addEventListener('click', (event) => {
    const group = event.target.closest('[data-node]');
    if (group && moved <= 4) choose(Number(group.dataset.node));
  });
  canvas.addEventListener('dblclick', (event) => {
    const group = event.target.closest('[data-node]');
    if (group && nodes[Number(group.dataset.node)].children.length) toggle(Number(group.dataset.node));
  });
  canvas.addEventListener('wheel', (event) => { // the page scrolls as ever; with Ctrl, or by pinching a touchpad, it zooms
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const at = canvas.getBoundingClientRect();
    zoom(Math.exp(Math.min(60, Math.max(-60, event.deltaY)) / 200), (event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height);
  }, { passive: false });
}
