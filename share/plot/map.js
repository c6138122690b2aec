'use strict';
/* The map of a page that plot(1) wrote: what is shown, where, and how it is drawn. One script of three files, joined in this order:
 * map.js, map_points.js (the points, by WebGL or by hand), map_controls.js (pointer, keys, search, legend; it begins).
 * Positions are in map units: the middle is 0, the longer half side 1, y upwards. The view is a point of the map and a zoom; zoom 1
 * shows everything. Points lie in drawing order, topic by topic. */
const get = id => document.getElementById(id);
const data = JSON.parse(get('data').textContent);
const { n, topics } = data;
const root = document.documentElement;
const map = get('map'), names = get('names');
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const number = new Intl.NumberFormat('en');

const floats = text => {
	const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
	return new Float32Array(bytes.buffer);
};
const X = floats(data.x), Y = floats(data.y);
const topicOf = new Uint32Array(n);
topics.reduce((at, t, i) => {
	t.first = at;
	topicOf.fill(i, at, at + t.count);
	return at + t.count;
}, 0);

/* --- What is shown ------------------------------------------------------------------------------ */

const shown = new Uint8Array(topics.length).fill(1);
const matched = new Uint8Array(n);
let matches = null;	/* the points that match the search, in drawing order; null: no search */
let stressed = -1;	/* the topic under the pointer in the legend */
let current = -1, kept = false;	/* the point whose card is open */

const dark = () => root.dataset.theme === 'dark' ||
	(root.dataset.theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
let theme;
const readColours = hex => hex.match(/../g).map(h => parseInt(h, 16));
const css = (list, i) => `rgb(${list[3 * i]}, ${list[3 * i + 1]}, ${list[3 * i + 2]})`;
function readTheme() {
	const t = data.themes[dark() ? 'dark' : 'light'];
	theme = { ground: readColours(t.ground), outlier: readColours(t.outlier),
		topic: readColours(t.topic), label: readColours(t.label) };
}
const pointColour = t => t.outlier ? css(theme.outlier, 0) : css(theme.topic, t.colour);
const labelColour = t => css(theme.label, t.colour);

/* Red, green, blue, opacity of each point, and how much larger than usual it is drawn. */
function look(i, out, at, size) {
	const t = topics[topicOf[i]];
	const from = t.outlier ? theme.outlier : theme.topic, c = t.outlier ? 0 : 3 * t.colour;
	let opacity = data.opacity * (t.outlier ? 0.8 : 1), grow = t.outlier ? 0.8 : 1;
	if (matches) {
		opacity = matched[i] ? 1 : 0.12 * opacity;
		grow = matched[i] ? 1.5 : 0.8 * grow;
	}
	if (stressed >= 0)
		opacity *= topicOf[i] === stressed ? 1 : 0.15;
	out[4 * at] = from[c];
	out[4 * at + 1] = from[c + 1];
	out[4 * at + 2] = from[c + 2];
	out[4 * at + 3] = shown[topicOf[i]] ? Math.round(255 * opacity) : 0;
	size[at] = Math.round(100 * grow);
}

/* --- The view ----------------------------------------------------------------------------------- */

let width = 1, height = 1, ratio = 1;
let free = { left: 0, top: 0, right: 1, bottom: 1 };	/* what the panels leave */
const view = { x: 0, y: 0, zoom: 1 };
const MOST_ZOOM = 4000;
const middle = () => [(free.left + free.right) / 2, (free.top + free.bottom) / 2];
function fit() {
	const w = Math.max(free.right - free.left, 50) / 2 - 50, h = Math.max(free.bottom - free.top, 50) / 2 - 36;
	return Math.max(Math.min(w / Math.max(data.extent[0], 1e-6), h / Math.max(data.extent[1], 1e-6),
		Math.max(w, h) * 4), 10);
}
const scale = () => fit() * view.zoom;
const screenX = x => middle()[0] + (x - view.x) * scale();
const screenY = y => middle()[1] - (y - view.y) * scale();
const mapX = x => view.x + (x - middle()[0]) / scale();
const mapY = y => view.y - (y - middle()[1]) / scale();
function radius() {
	const area = Math.max(4 * data.extent[0] * data.extent[1] * fit() * fit(), 1e4);
	const base = data.radius > 0 ? data.radius :
		Math.min(Math.max(0.24 * Math.sqrt(area / Math.max(n, 1)), 1.1), 5.5);
	return Math.min(base * Math.pow(view.zoom, 0.35), Math.max(9, base));
}

function zoomAt(factor, x, y) {
	const mx = mapX(x), my = mapY(y);
	view.zoom = Math.min(Math.max(view.zoom * factor, 0.5), MOST_ZOOM);
	view.x += mx - mapX(x);
	view.y += my - mapY(y);
	keepNear();
	redraw();
}
function keepNear() {
	view.x = Math.min(Math.max(view.x, -data.extent[0] - 0.02), data.extent[0] + 0.02);
	view.y = Math.min(Math.max(view.y, -data.extent[1] - 0.02), data.extent[1] + 0.02);
}
function pan(dx, dy) {
	view.x -= dx / scale();
	view.y += dy / scale();
	keepNear();
	redraw();
}
let flight = 0;
function fly(to) {
	cancelAnimationFrame(flight);
	const from = { ...view }, begin = performance.now();
	const length = calm.matches ? 0 : 350;
	const step = now => {
		const t = length ? Math.min((now - begin) / length, 1) : 1;
		const ease = t * (2 - t);
		view.x = from.x + (to.x - from.x) * ease;
		view.y = from.y + (to.y - from.y) * ease;
		view.zoom = from.zoom * Math.pow(to.zoom / from.zoom, ease);
		redraw();
		if (t < 1)
			flight = requestAnimationFrame(step);
	};
	step(begin);
}

/* --- Names of topics ---------------------------------------------------------------------------- */

const pen = names.getContext('2d');
const FONT = getComputedStyle(root).fontFamily;
function wrapName(text) {
	const lines = [''];
	for (const word of text.split(' ')) {
		const line = lines[lines.length - 1];
		if (line && (line + ' ' + word).length > 18 && lines.length < 4)
			lines.push(word);
		else
			lines[lines.length - 1] = line ? line + ' ' + word : word;
	}
	return lines;
}
const named = topics.filter(t => !t.outlier && data.topicsGiven);
const mostCount = Math.sqrt(named.length ? named[0].count : 1);
for (const t of named) {
	t.lines = wrapName(t.label);
	t.size = (named.length <= 12 ? 15 : 12) + 7 * Math.sqrt(t.count) / mostCount;
}
/* On a narrow screen names are set smaller. */
const nameSize = t => t.size * Math.min(1, Math.max(0.72, width / 900));
function measure(t) {
	if (t.ems)
		return;
	pen.font = `600 100px ${FONT}`;
	t.ems = Math.max(...t.lines.map(l => pen.measureText(l).width)) / 100;
}
/* The largest topics first, each where it is densest or beside that, where no name stands yet. */
function paintNames() {
	pen.setTransform(ratio, 0, 0, ratio, 0, 0);
	pen.clearRect(0, 0, width, height);
	const taken = [];
	for (const t of named) {
		if (taken.length >= data.labels)
			break;
		const topic = topicOf[t.first];
		if (!shown[topic] || (stressed >= 0 && stressed !== topic))
			continue;
		const at = screenX(t.x), y = screenY(t.y), size = nameSize(t);
		if (at < 0 || y < -40 || at > width || y > height + 40)
			continue;
		measure(t);
		const w = t.ems * size / 2 + 5, h = t.lines.length * size * 0.6 + 3;
		/* in sight whole, and not under a panel that its topic does not lie under */
		const low = (at > free.left ? free.left : 0) + w, high = (at < free.right ? free.right : width) - w;
		const x = Math.min(Math.max(at, low), Math.max(high, low));
		const place = [[x, y], [x, y - h], [x, y + h], [x - w, y], [x + w, y]].find(([px, py]) =>
			!taken.some(b => Math.abs(b[0] - px) < b[2] + w && Math.abs(b[1] - py) < b[3] + h));
		if (!place)
			continue;
		taken.push([...place, w, h]);
		paintName(t, ...place);
	}
	if (current >= 0)
		paintRing(current);
}
function paintName(t, x, y) {
	const size = nameSize(t);
	pen.font = `600 ${size}px ${FONT}`;
	pen.textAlign = 'center';
	pen.textBaseline = 'middle';
	pen.lineJoin = 'round';
	pen.lineWidth = 0.34 * size;
	pen.strokeStyle = css(theme.ground, 0);
	pen.fillStyle = labelColour(t);
	pen.globalAlpha = matches ? 0.75 : 1;
	for (const pass of ['strokeText', 'fillText'])
		t.lines.forEach((line, k) => pen[pass](line, x, y + (k - (t.lines.length - 1) / 2) * size * 1.15));
	pen.globalAlpha = 1;
}
function paintRing(i) {
	const r = radius() * 1.3 + 3;
	pen.beginPath();
	pen.arc(screenX(X[i]), screenY(Y[i]), r, 0, 7);
	pen.lineWidth = 5;
	pen.strokeStyle = css(theme.ground, 0);
	pen.stroke();
	pen.lineWidth = 2.2;
	pen.strokeStyle = dark() ? '#fff' : '#111';
	pen.stroke();
}

/* --- Drawing ------------------------------------------------------------------------------------ */

let painter, frame = 0, stale = true;
function redraw() {
	if (!frame)
		frame = requestAnimationFrame(draw);
}
function restyle() {
	stale = true;
	redraw();
}
function draw() {
	frame = 0;
	if (stale)
		painter.restyle();
	stale = false;
	painter.paint();
	paintNames();
	if (current >= 0)
		placeCard();
}
function begin() {
	let canvas = get('points');
	painter = glPainter(canvas);
	if (painter) {
		canvas.addEventListener('webglcontextlost', e => e.preventDefault());
		canvas.addEventListener('webglcontextrestored', () => {
			painter = glPainter(canvas);
			restyle();
		});
		return;
	}
	/* a canvas that was asked for WebGL may give no other context */
	const fresh = canvas.cloneNode();
	canvas.replaceWith(fresh);
	painter = pixelPainter(fresh);
}
function resize() {
	width = map.clientWidth || 1;
	height = map.clientHeight || 1;
	ratio = window.devicePixelRatio || 1;
	for (const canvas of [get('points'), names]) {
		canvas.width = Math.round(width * ratio);
		canvas.height = Math.round(height * ratio);
	}
	const wide = width > 700, legend = get('legend'), head = get('head');
	free = { left: 0, top: wide ? 0 : head.offsetHeight + 8, right: width, bottom: height - (wide ? 0 : 50) };
	if (wide && get('fold').getAttribute('aria-expanded') === 'true' && !legend.hidden)
		free.right -= legend.offsetWidth + 16;
	if (wide && width > 1100)
		free.left = head.offsetWidth + 16;
	else if (wide)
		free.top = 90;
	if (painter)
		draw();	/* now: a canvas of a new size is empty, and an animation frame may come late or never */
}

/* --- Which point is there: a grid with about two points a cell -------------------------------------- */

const side = Math.max(1, Math.min(512, Math.round(Math.sqrt(n / 2))));
const cellOf = v => Math.min(side - 1, Math.max(0, Math.floor((v + 1) / 2 * side)));
const cellStart = new Uint32Array(side * side + 1), inCell = new Uint32Array(n);
{
	const of = new Uint32Array(n);
	for (let i = 0; i < n; i++)
		cellStart[(of[i] = cellOf(Y[i]) * side + cellOf(X[i])) + 1]++;
	for (let c = 0; c < side * side; c++)
		cellStart[c + 1] += cellStart[c];
	const next = cellStart.slice();
	for (let i = 0; i < n; i++)
		inCell[next[of[i]]++] = i;
}
const visible = i => shown[topicOf[i]] && (!matches || matched[i]);
function nearest(x, y, reach) {
	let best = -1, least = reach * reach;
	for (let r = cellOf(y - reach); r <= cellOf(y + reach); r++) {
		for (let k = cellStart[r * side + cellOf(x - reach)]; k < cellStart[r * side + cellOf(x + reach) + 1]; k++) {
			const i = inCell[k], d = (X[i] - x) ** 2 + (Y[i] - y) ** 2;
			/* the last drawn lies on top */
			if (visible(i) && (d < least || (d === least && i > best))) {
				least = d;
				best = i;
			}
		}
	}
	return best;
}
/* The nearest point within 45 degrees of a direction. */
function towards(from, dx, dy) {
	let best = -1, least = Infinity;
	const x0 = from >= 0 ? X[from] : view.x, y0 = from >= 0 ? Y[from] : view.y;
	for (let i = 0; i < n; i++) {
		const x = X[i] - x0, y = Y[i] - y0, ahead = x * dx + y * dy, aside = Math.abs(x * dy - y * dx);
		if (i === from || ahead <= 0 || aside > ahead || !visible(i))
			continue;
		const d = ahead + 2 * aside;
		if (d < least) {
			least = d;
			best = i;
		}
	}
	return best;
}
