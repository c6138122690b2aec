
'use strict';
document.getElementById('theme').onclick = () => {
	const root = document.documentElement, theme = root.dataset.theme;
	const dark = theme === 'dark' || (theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
	root.dataset.theme = dark ? 'light' : 'dark';
};
