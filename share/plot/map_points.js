/* The points of the map: a painter has restyle(), after looks have changed, and paint(), after the view has. */

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
