/* What the reader does with the map: points at records, moves, searches, chooses topics. */

/* --- The card of a point ------------------------------------------------------------------------ */

const card = get('card');
function dot(t) {
	const d = document.createElement('span');
	d.className = 'dot';
	d.dataset.topic = topicOf[t.first];
	d.style.background = pointColour(t);
	return d;
}
const topicName = t => data.topicsGiven ? t.name : '';
function select(i, keep, say) {
	current = i;
	kept = i >= 0 && keep;
	card.hidden = i < 0;
	card.classList.toggle('kept', kept);
	if (i >= 0) {
		const t = topics[topicOf[i]], name = topicName(t);
		get('card-topic').replaceChildren(...(name ? [dot(t), name] : []));
		get('card-text').textContent = data.texts[i];
		get('card-record').textContent = `record ${number.format(data.record[i])}`;
		if (say)
			get('said').textContent = `${name}. ${data.texts[i]} Record ${data.record[i]}.`;
		placeCard();
	}
	redraw();
}
function placeCard() {
	const x = screenX(X[current]), y = screenY(Y[current]), gap = radius() + 10;
	const w = card.offsetWidth, h = card.offsetHeight;
	const low = Math.min(free.left + 8, x), high = Math.max(free.right - 8, x);
	const left = x + gap + w > high && x - gap - w > low ? x - gap - w : x + gap;
	card.style.left = `${Math.max(8, Math.min(left, width - w - 8))}px`;
	card.style.top = `${Math.max(8, Math.min(y - h / 2, height - h - 8))}px`;
}
/* Show a point that may be out of sight. */
function visit(i, zoom) {
	if (i < 0)
		return;
	select(i, true, true);
	const x = screenX(X[i]), y = screenY(Y[i]);
	if (zoom || x < free.left + 40 || x > free.right - 40 || y < free.top + 40 || y > free.bottom - 40)
		fly({ x: X[i], y: Y[i], zoom: zoom ? Math.max(view.zoom, 4) : view.zoom });
}
function step(by) {
	if (n === 0)
		return;
	const t = current >= 0 ? topics[topicOf[current]] : topics[topics.length > 1 && topics[0].outlier ? 1 : 0];
	const list = matches ? Array.from(matches).filter(visible) : null;
	const count = list ? list.length : t.count;
	if (count === 0)
		return;
	const at = list ? list.indexOf(current) : current - t.first;
	const to = current < 0 || at < 0 ? (by > 0 ? 0 : count - 1) : (at + by + count) % count;
	visit(list ? list[to] : t.first + to, false);
}

/* --- Pointer and keys --------------------------------------------------------------------------- */

const pointers = new Map();
let moved = 0;
map.addEventListener('pointerdown', e => {
	if (e.button)
		return;
	cancelAnimationFrame(flight);
	map.setPointerCapture(e.pointerId);
	pointers.set(e.pointerId, [e.clientX, e.clientY]);
	moved = pointers.size > 1 ? 100 : 0;
});
map.addEventListener('pointermove', e => {
	const before = pointers.get(e.pointerId);
	if (!before) {
		if (!kept)
			point(e.clientX, e.clientY, e.pointerType === 'touch' ? 18 : 9);
		return;
	}
	const others = [...pointers.entries()].filter(([id]) => id !== e.pointerId).map(([, p]) => p);
	const now = [e.clientX, e.clientY];
	if (others.length) {
		const [o] = others, gap = p => Math.max(Math.hypot(p[0] - o[0], p[1] - o[1]), 10);
		pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
		zoomAt(gap(now) / gap(before), (now[0] + o[0]) / 2, (now[1] + o[1]) / 2);
	} else {
		moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
		if (moved > 3) {
			map.classList.add('dragging');
			pan(now[0] - before[0], now[1] - before[1]);
		}
	}
	pointers.set(e.pointerId, now);
});
function release(e) {
	if (!pointers.delete(e.pointerId))
		return;
	map.classList.remove('dragging');
	if (moved <= 3 && e.type === 'pointerup') {
		point(e.clientX, e.clientY, e.pointerType === 'touch' ? 18 : 9);
		select(current, current >= 0, true);
	}
}
map.addEventListener('pointerup', release);
map.addEventListener('pointercancel', release);
map.addEventListener('pointerleave', () => {
	if (!kept)
		select(-1);
});
map.addEventListener('dblclick', e => zoomAt(2, e.clientX, e.clientY));
map.addEventListener('wheel', e => {
	e.preventDefault();
	const lines = e.deltaMode ? 30 : 1;
	zoomAt(Math.pow(2, -Math.max(-100, Math.min(100, e.deltaY * lines)) / (e.ctrlKey ? 60 : 220)), e.clientX, e.clientY);
}, { passive: false });
function point(x, y, reach) {
	const i = nearest(mapX(x), mapY(y), Math.max(reach, radius() + 2) / scale());
	map.classList.toggle('pointing', i >= 0);
	if (i !== current)
		select(i, false);
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const [inMiddle, KEYS] = [f => zoomAt(f, ...middle()), {
	'+': () => inMiddle(1.4), '=': () => inMiddle(1.4), '-': () => inMiddle(1 / 1.4), '_': () => inMiddle(1 / 1.4),
	'0': () => fly({ x: 0, y: 0, zoom: 1 }), 'Home': () => fly({ x: 0, y: 0, zoom: 1 }),
	'n': () => step(1), 'p': () => step(-1), 'N': () => step(1), 'P': () => step(-1),
	'Enter': () => step(1),
}];
map.addEventListener('keydown', e => {
	if (e.ctrlKey || e.metaKey || e.altKey)
		return;
	const arrow = ARROWS[e.key];
	if (arrow && e.shiftKey)
		visit(towards(current, ...arrow), false);
	else if (arrow)
		pan(-80 * arrow[0], 80 * arrow[1]);
	else if (KEYS[e.key])
		KEYS[e.key]();
	else
		return;
	e.preventDefault();
});
document.addEventListener('keydown', e => {
	const typing = e.target instanceof HTMLInputElement && e.target.type === 'search';
	if (e.key === 'Escape') {
		if (!get('keys').hidden)
			toggleHelp();
		else if (current >= 0)
			select(-1);
		else if (get('query').value) {
			get('query').value = '';
			search();
		}
		if (typing)
			map.focus();
	} else if (e.key === '/' && !typing) {
		get('query').focus();
		e.preventDefault();
	} else if (e.key === '?' && !typing) {
		toggleHelp();
	}
});
get('in').onclick = () => inMiddle(1.6);
get('out').onclick = () => inMiddle(1 / 1.6);
get('reset').onclick = KEYS['0'];
get('help').onclick = toggleHelp;
function toggleHelp() {
	const keys = get('keys');
	keys.hidden = !keys.hidden;
	get('help').setAttribute('aria-expanded', String(!keys.hidden));
}

/* --- Search ------------------------------------------------------------------------------------- */

let lower = null, waiting = 0;
const HITS = 100;
function search() {
	clearTimeout(waiting);
	const words = get('query').value.toLowerCase().split(/\s+/).filter(Boolean);
	lower = lower || { texts: data.texts.map(t => t.toLowerCase()), topics: topics.map(t => topicName(t).toLowerCase()) };
	matched.fill(0);
	matches = null;
	if (words.length) {
		const list = [];
		const byTopic = lower.topics.map(t => words.map(w => t.includes(w)));
		for (let i = 0; i < n; i++) {
			const text = lower.texts[i], topic = byTopic[topicOf[i]];
			if (words.every((w, k) => topic[k] || text.includes(w))) {
				matched[i] = 1;
				list.push(i);
			}
		}
		matches = Uint32Array.from(list);
	}
	get('found').textContent = !matches ? '' :
		`${number.format(matches.length)} ${matches.length === 1 ? 'record matches' : 'records match'}` +
		(matches.length > HITS ? `, the first ${HITS}:` : '');
	get('hits').replaceChildren(...Array.from((matches || []).slice(0, HITS), i => hit(i, words)));
	if (current >= 0 && !visible(current))
		select(-1);
	restyle();
}
function hit(i, words) {
	const item = document.createElement('li'), button = document.createElement('button');
	const text = document.createElement('span'), topic = document.createElement('small');
	button.type = 'button';
	button.dataset.point = i;
	text.className = 'snippet';
	text.dir = 'auto';
	text.append(...marked(data.texts[i] || `record ${data.record[i]}`, words));
	topic.append(dot(topics[topicOf[i]]), topicName(topics[topicOf[i]]));
	button.append(text, topic);
	item.append(button);
	return item;
}
/* The text from a little before the first match on, matches marked. */
function marked(text, words) {
	const low = text.toLowerCase();
	if (low.length !== text.length)	/* letters that change length: positions would not agree */
		return [text.slice(0, 200)];
	const first = Math.min(...words.map(w => low.indexOf(w)).filter(at => at >= 0));
	let at = Number.isFinite(first) && first > 40 ? first - 30 : 0;
	const end = at + 200, out = at ? ['…'] : [];
	while (at < end && at < text.length) {
		let next = end, size = 0;
		for (const w of words) {
			const found = low.indexOf(w, at);
			if (found >= 0 && found < next) {
				next = found;
				size = w.length;
			}
		}
		out.push(text.slice(at, next));
		if (!size)
			break;
		const m = document.createElement('mark');
		m.textContent = text.slice(next, next + size);
		out.push(m);
		at = next + size;
	}
	return out;
}
get('query').addEventListener('input', () => {
	clearTimeout(waiting);
	waiting = setTimeout(search, 120);
});
get('find').addEventListener('submit', e => {
	e.preventDefault();
	search();
	step(1);
});
get('hits').addEventListener('click', e => {
	const button = e.target.closest('button');
	if (button)
		visit(Number(button.dataset.point), true);
});

/* --- Legend ------------------------------------------------------------------------------------- */

const list = get('topics');
function legendRow(t, i) {
	const row = document.createElement('li'), label = document.createElement('label');
	const box = document.createElement('input'), name = document.createElement('span');
	const count = document.createElement('span'), only = document.createElement('button');
	box.type = 'checkbox';
	box.checked = true;
	box.dataset.topic = i;
	name.className = 'name';
	name.dir = 'auto';
	name.textContent = name.title = topicName(t);
	count.className = 'count';
	count.textContent = number.format(t.count);
	only.className = 'only';
	only.type = 'button';
	only.textContent = 'only';
	only.dataset.topic = i;
	only.setAttribute('aria-label', `only ${t.label}`);
	label.append(box, dot(t), name, count);
	row.append(label, only);
	row.dataset.topic = i;
	return row;
}
const boxes = () => list.querySelectorAll('input');
function showTopics(which) {
	for (let i = 0; i < topics.length; i++)
		shown[i] = which(i) ? 1 : 0;
	boxes().forEach(b => { b.checked = !!shown[b.dataset.topic]; });
	if (current >= 0 && !shown[topicOf[current]])
		select(-1);
	restyle();
}
function beginLegend() {
	if (!data.topicsGiven || topics.length === 0) {
		get('legend').hidden = true;
		return;
	}
	/* the outliers are first in drawing order and last in the list */
	const order = topics.map((t, i) => i).sort((a, b) => topics[a].outlier - topics[b].outlier || a - b);
	list.append(...order.map(i => legendRow(topics[i], i)));
	get('filter').hidden = topics.length <= 20;
	list.addEventListener('change', e => showTopics(i => i === Number(e.target.dataset.topic) ? e.target.checked : shown[i]));
	list.addEventListener('click', e => {
		if (e.target.className === 'only')
			showTopics(i => i === Number(e.target.dataset.topic));
	});
	const stress = i => {
		if (i === stressed)
			return;
		stressed = i;
		restyle();
	};
	const rowTopic = e => {
		const row = e.target.closest('li');
		return row && shown[row.dataset.topic] ? Number(row.dataset.topic) : -1;
	};
	list.addEventListener('pointerover', e => stress(rowTopic(e)));
	list.addEventListener('pointerleave', () => stress(-1));
	get('all').onclick = () => showTopics(() => true);
	get('none').onclick = () => showTopics(() => false);
	get('fold').onclick = () => {
		const open = get('legend-body').toggleAttribute('hidden') === false;
		get('fold').setAttribute('aria-expanded', String(open));
		resize();
	};
	get('filter').addEventListener('input', () => {
		const words = get('filter').value.toLowerCase();
		for (const row of list.children)
			row.hidden = !topicName(topics[row.dataset.topic]).toLowerCase().includes(words);
	});
	if (width <= 700)
		get('fold').click();
}

/* --- Begin -------------------------------------------------------------------------------------- */

function recolour() {
	readTheme();
	document.querySelectorAll('.dot').forEach(d => { d.style.background = pointColour(topics[d.dataset.topic]); });
	restyle();
}
get('theme').onclick = () => {
	root.dataset.theme = dark() ? 'light' : 'dark';
	recolour();
};
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour);
readTheme();
width = map.clientWidth;
beginLegend();
begin();
resize();
new ResizeObserver(resize).observe(map);
