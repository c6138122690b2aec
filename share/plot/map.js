
'use strict';
/* The map of a page that plot(1) wrote. Positions are in map units: the middle is 0, the longer half side 1, y upwards. The view is a
 * point of the map and a zoom; zoom 1 shows everything. Points lie in drawing order, topic by topic. */
(() => {
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

/* --- Points by WebGL ---------------------------------------------------------------------------- */

const vertexShader = `
attribute vec2 at; attribute vec4 look; attribute float grow;
uniform vec2 middle, scale; uniform float size;
varying vec4 colour; varying float extent;
void main() {
	extent = size * grow + 1.0;
	colour = look;
	gl_Position = look.a == 0.0 ? vec4(2.0, 2.0, 0.0, 1.0) : vec4((at - middle) * scale, 0.0, 1.0);
	gl_PointSize = extent;
}`;
const fragmentShader = `
precision mediump float;
varying vec4 colour; varying float extent;
void main() {
	float away = length(gl_PointCoord - 0.5) * extent;
	float cover = clamp(extent * 0.5 - away, 0.0, 1.0);
	float a = colour.a * cover;
	gl_FragColor = vec4(colour.rgb * a, a);
}`;

function glPainter(canvas) {
	const gl = canvas.getContext('webgl', { alpha: false, antialias: false, failIfMajorPerformanceCaveat: true });
	if (!gl)
		return null;
	const shader = (type, source) => {
		const s = gl.createShader(type);
		gl.shaderSource(s, source);
		gl.compileShader(s);
		return s;
	};
	const program = gl.createProgram();
	gl.attachShader(program, shader(gl.VERTEX_SHADER, vertexShader));
	gl.attachShader(program, shader(gl.FRAGMENT_SHADER, fragmentShader));
	gl.linkProgram(program);
	if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
		return null;
	gl.useProgram(program);
	gl.enable(gl.BLEND);
	gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
	const place = Object.fromEntries(['at', 'look', 'grow'].map(a => [a, gl.getAttribLocation(program, a)]));
	const uniform = Object.fromEntries(['middle', 'scale', 'size'].map(u => [u, gl.getUniformLocation(program, u)]));
	Object.values(place).forEach(p => gl.enableVertexAttribArray(p));
	const layer = () => ({ at: gl.createBuffer(), look: gl.createBuffer(), grow: gl.createBuffer(), count: 0 });
	const fill = (buffer, values) => {
		gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
		gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
	};
	const load = (l, points, positions) => {
		l.count = points ? points.length : n;
		const colours = new Uint8Array(4 * l.count), sizes = new Uint8Array(l.count);
		for (let k = 0; k < l.count; k++)
			look(points ? points[k] : k, colours, k, sizes);
		if (positions) {
			const at = new Float32Array(2 * l.count);
			for (let k = 0; k < l.count; k++) {
				at[2 * k] = X[points ? points[k] : k];
				at[2 * k + 1] = Y[points ? points[k] : k];
			}
			fill(l.at, at);
		}
		fill(l.look, colours);
		fill(l.grow, sizes);
	};
	const bind = (buffer, at, size, type, norm) => {
		gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
		gl.vertexAttribPointer(at, size, type, norm, 0, 0);
	};
	const base = layer(), top = layer();	/* top: the matches once more, above the others */
	load(base, null, true);
	return {
		restyle() {
			load(base, null, false);
			load(top, matches || [], true);
		},
		paint() {
			const s = scale(), [mx, my] = middle();
			gl.viewport(0, 0, canvas.width, canvas.height);
			gl.clearColor(theme.ground[0] / 255, theme.ground[1] / 255, theme.ground[2] / 255, 1);
			gl.clear(gl.COLOR_BUFFER_BIT);
			gl.uniform2f(uniform.scale, 2 * s / width, 2 * s / height);
			gl.uniform2f(uniform.middle, mapX(width / 2), mapY(height / 2));
			gl.uniform1f(uniform.size, 2 * radius() * ratio / 100);
			for (const l of [base, top]) {
				bind(l.at, place.at, 2, gl.FLOAT, false);
				bind(l.look, place.look, 4, gl.UNSIGNED_BYTE, true);
				bind(l.grow, place.grow, 1, gl.UNSIGNED_BYTE, false);
				gl.drawArrays(gl.POINTS, 0, l.count);
			}
		},
	};
}

/* --- Points by hand, where there is no WebGL or only a slow one: blended into the pixels of a canvas ------ */

/* The pixels that a disc of this radius touches, its middle at (x, y) of a pixel, and how much of each it covers: 0 to 256. */
function disc(radius, x, y, width) {
	const reach = Math.ceil(radius), dx = [], dy = [], cover = [];
	for (let r = -reach; r <= reach; r++)
		for (let c = -reach; c <= reach; c++) {
			const away = Math.hypot(c + 0.5 - x, r + 0.5 - y);
			if (away < radius + 0.5) {
				dx.push(c);
				dy.push(r);
				cover.push(Math.round(256 * Math.min(radius + 0.5 - away, 1)));
			}
		}
	const step = Int32Array.from(dx, (c, k) => dy[k] * width + c);
	return { reach, dx: Int32Array.from(dx), dy: Int32Array.from(dy), step, cover: Int32Array.from(cover) };
}

function pixelPainter(canvas) {
	const to = canvas.getContext('2d', { alpha: false });
	const colours = new Uint8Array(4 * n), sizes = new Uint8Array(n);
	let image, pixels, w = 0, h = 0, discs = [], discRadius = 0, full = 0, settle = 0;
	/* discs by size and by the quarter of a pixel on which the middle falls */
	const discAt = (size, fx, fy) => {
		const key = size << 4 | fy << 2 | fx;
		return discs[key] || (discs[key] = disc(discRadius * size / 100, (fx + 0.5) / 4, (fy + 0.5) / 4, w));
	};
	/* red and blue in one product, green in another; a is at most 255 of 256 */
	const blend = (at, a, rb, g) => {
		const under = pixels[at];
		pixels[at] = 0xff000000 |
			(Math.imul(under & 0xff00ff, 256 - a) + Math.imul(rb, a)) >>> 8 & 0xff00ff |
			(Math.imul(under & 0xff00, 256 - a) + Math.imul(g, a)) >>> 8 & 0xff00;
	};
	const one = (i, s, mx, my) => {
		const alpha = colours[4 * i + 3];
		if (!alpha)
			return;
		const x = mx + X[i] * s, y = my - Y[i] * s, cx = Math.floor(x), cy = Math.floor(y);
		if (cx < -30 || cy < -30 || cx > w + 30 || cy > h + 30)
			return;
		const { reach, dx, dy, step, cover } = discAt(sizes[i], Math.floor(4 * (x - cx)), Math.floor(4 * (y - cy)));
		const rb = colours[4 * i] | colours[4 * i + 2] << 16, g = colours[4 * i + 1] << 8;
		const inside = cx >= reach && cy >= reach && cx + reach < w && cy + reach < h;
		const middle = cy * w + cx;
		for (let k = 0; k < step.length; k++)
			if (inside || (cx + dx[k] >= 0 && cx + dx[k] < w && cy + dy[k] >= 0 && cy + dy[k] < h))
				blend(middle + step[k], cover[k] * alpha >> 8, rb, g);
	};
	const draw = stride => {
		const begin = performance.now(), s = scale() * ratio, r = radius() * ratio;
		const mx = screenX(0) * ratio, my = screenY(0) * ratio;
		if (w !== canvas.width || h !== canvas.height) {
			w = canvas.width;
			h = canvas.height;
			image = to.createImageData(w, h);
			pixels = new Uint32Array(image.data.buffer);
			discs = [];
		}
		if (r !== discRadius)
			discs = [];
		discRadius = r;
		pixels.fill(0xff000000 | theme.ground[2] << 16 | theme.ground[1] << 8 | theme.ground[0]);
		for (let i = 0; i < n; i += stride)
			one(i, s, mx, my);
		for (const i of matches || [])
			one(i, s, mx, my);
		to.putImageData(image, 0, 0);
		if (stride === 1)
			full = performance.now() - begin;
	};
	return {
		restyle() {
			for (let i = 0; i < n; i++)
				look(i, colours, i, sizes);
		},
		/* where a whole picture takes long, some of the points will do until things stand still */
		paint() {
			const stride = Math.max(1, Math.min(16, Math.round(full / 40)));
			clearTimeout(settle);
			draw(stride);
			if (stride > 1)
				settle = setTimeout(() => draw(1), 150);
		},
	};
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
		const x = Math.min(Math.max(at, w), Math.max(width - w, w));
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
})();
