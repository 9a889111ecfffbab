// Says what is wrong with the layout of the page as it is now: what is cut off, covered or too small to hit.

() => {
  const root = document.querySelector('.mk'),
    page = document.documentElement,
    problems = [];
  const dialog = [...document.querySelectorAll('dialog:modal')].at(-1),
    scope = dialog ?? root;
  const side = root.querySelector('.mk-side'),
    isSheet = getComputedStyle(side).position === 'fixed';
  const isSeen = each => each.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const name = each =>
    `${each.className || each.tagName} “${(each.ariaLabel || each.textContent).trim().slice(0, 20)}”`;
  const boxOf = each => each.getBoundingClientRect();
  for (const each of [page, root]) if (each.scrollWidth > each.clientWidth) problems.push(`${each.scrollWidth} wide`);

  /** Cuts a box down to what its scroll containers show of it; tells what else cuts it. */
  function cut(each) {
    const style = getComputedStyle(each);
    let { left, right, top, bottom } = boxOf(each),
      { position } = style,
      scrolls = false;
    for (let at = each.parentElement; at !== document.body && position !== 'fixed'; at = at.parentElement) {
      const { overflowX, overflowY, position: own } = getComputedStyle(at),
        edge = boxOf(at);
      if (position === 'absolute' && own === 'static') continue;
      position = own;
      if (/auto|scroll/.test(overflowX) && at.scrollWidth > at.clientWidth)
        [left, right, scrolls] = [edge.left, edge.right, true];
      if (/auto|scroll/.test(overflowY) && at.scrollHeight > at.clientHeight)
        [top, bottom, scrolls] = [edge.top, edge.bottom, true];
      if (overflowX !== 'visible' && (left < edge.left - 1.5 || right > edge.right + 1.5)) return { by: name(at) };
      if (overflowY !== 'visible' && (top < edge.top - 1.5 || bottom > edge.bottom + 1.5)) return { by: name(at) };
    }
    if (left < -1 || right > innerWidth + 1) return { by: 'the window' };
    const [above, below] = position === 'fixed' ? [0, innerHeight] : [-scrollY, page.scrollHeight - scrollY];
    return top < above - 1 || bottom > below + 1 ? { by: 'the window' } : { scrolls };
  }
  // Handles and pins lie over others by intent: so does the cross on the card of a project.
  const controls = [...scope.querySelectorAll('button, input:not([type=file]), select, textarea')].filter(
    each =>
      isSeen(each) &&
      boxOf(each).width &&
      !each.matches('.mk-scrub, .mk-recent-remove, .mk-review-note-pin, .mk-frame-entry'),
  );
  const loose = [];
  for (const each of controls) {
    const { by, scrolls } = cut(each),
      { width, height } = boxOf(each);
    if (by) problems.push(`${name(each)} is cut off by ${by}`);
    else if (!each.matches('input') && Math.min(width, height) < 24)
      problems.push(`${name(each)} is ${width} x ${height}`);
    if (!by && !scrolls) loose.push(each);
  }
  // What floats is compared with what floats alike only.
  const layer = each =>
    each.closest('[role=menu], .mk-menu, .mk-toasts, .mk-better, .mk-top, .mk-candidates') ??
    (isSheet ? each.closest('.mk-side') : null);
  for (const [number, one] of loose.entries())
    for (const other of loose.slice(number + 1)) {
      const a = boxOf(one),
        b = boxOf(other);
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left),
        height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (width > 1.5 && height > 1.5 && layer(one) === layer(other) && !one.contains(other))
        problems.push(`${name(one)} covers ${name(other)}`);
    }
  const texts = document.createTreeWalker(scope, NodeFilter.SHOW_TEXT),
    range = document.createRange();
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (!node.data.trim() || !isSeen(node.parentElement) || node.parentElement.closest('.mk-live, .mk-cut, option, h1'))
      continue;
    range.selectNodeContents(node);
    const { left, right, width } = range.getBoundingClientRect();
    for (let at = node.parentElement; width && at !== scope; at = at.parentElement) {
      const { overflowX, overflowY, textOverflow } = getComputedStyle(at),
        edge = boxOf(at);
      if (/auto|scroll/.test(overflowX + overflowY) || (overflowX !== 'visible' && textOverflow === 'ellipsis')) break;
      if (
        (overflowX !== 'visible' || at.matches('button, label')) &&
        (left < edge.left - 1.5 || right > edge.right + 1.5)
      ) {
        problems.push(`“${node.data.trim().slice(0, 30)}” leaves ${name(at)}`);
        break;
      }
    }
  }
  return [...new Set(problems)];
}
