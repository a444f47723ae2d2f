// What follows the pointer, and the choice of light or dark. The page is complete without it.
"use strict";

const tip = document.getElementById("tip");

function showTip(x, y, ...content) {
  tip.replaceChildren(...content);
  tip.hidden = false;
  const left = Math.min(x + 14, document.documentElement.clientWidth - tip.offsetWidth - 8);
  const below = y + 18 + tip.offsetHeight < innerHeight ? y + 18 : y - 14 - tip.offsetHeight;
  tip.style.left = `${scrollX + Math.max(8, left)}px`;
  tip.style.top = `${scrollY + Math.max(4, below)}px`;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// --- whatever has something to say

document.addEventListener("pointerover", (event) => {
  const said = event.target.closest("[data-tip]");
  if (said) showTip(event.clientX, event.clientY, said.dataset.tip);
});
document.addEventListener("pointerout", (event) => {
  if (event.target.closest("[data-tip]")) tip.hidden = true;
});

// --- lines: the values at the pointer's place, or at that of the arrow keys

const MOST_NAMED = 8;

function nearest(places, x) {
  let low = 0, high = places.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (places[middle] < x) low = middle; else high = middle;
  }
  return x - places[low] < places[high] - x ? low : high;
}

for (const plot of document.querySelectorAll(".plot")) {
  const canvas = plot.querySelector(".canvas");
  const { x: title, lines } = JSON.parse(plot.querySelector("script").textContent);
  if (!lines.length) continue;
  const cursor = element("i", "cursor");
  const spots = lines.map((line) => element("i", `spot c${line.c}`));
  let at = 0;

  const clear = () => { cursor.remove(); spots.forEach((spot) => spot.remove()); tip.hidden = true; };
  const show = (perMille, height = 500) => {
    at = Math.min(1000, Math.max(0, perMille));
    const found = lines.map((line) => nearest(line.px, at));
    const place = lines.map((line, i) => line.px[found[i]]).reduce((a, b) => (Math.abs(b - at) < Math.abs(a - at) ? b : a));
    cursor.style.left = `${place / 10}%`;
    canvas.append(cursor);
    const index = lines.findIndex((line, i) => line.px[found[i]] === place);
    const rows = [element("div", "", `${title} ${lines[index].x[found[index]]}`)];
    const away = lines.map((line, i) => Math.abs(line.py[found[i]] - height));
    const far = [...away].sort((a, b) => a - b)[MOST_NAMED - 1] ?? Infinity; // of many lines only those near the pointer are named
    lines.forEach((line, i) => {
      const near = Math.abs(line.px[found[i]] - place) < 40 && away[i] <= far;
      if (!near) { spots[i].remove(); return; }
      spots[i].style.left = `${line.px[found[i]] / 10}%`;
      spots[i].style.top = `${line.py[found[i]] / 10}%`;
      canvas.append(spots[i]);
      const row = element("div");
      row.append(element("span", "", line.name || "value"), element("b", "", line.y[found[i]]));
      rows.push(row);
    });
    const box = canvas.getBoundingClientRect();
    showTip(box.left + (box.width * place) / 1000, box.top + 20, ...rows);
  };
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    show((1000 * (event.clientX - box.left)) / box.width, (1000 * (event.clientY - box.top)) / box.height);
  });
  canvas.addEventListener("pointerleave", clear);
  canvas.addEventListener("blur", clear);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(at + step);
  });
}

// --- light or dark: as the system has it, or as the button says

const button = document.getElementById("theme");
const themes = ["light dark", "light", "dark"];
const names = { "light dark": "Theme: system", light: "Theme: light", dark: "Theme: dark" };

function choose(theme) {
  document.documentElement.style.colorScheme = theme;
  button.textContent = names[theme];
  button.dataset.theme = theme;
  try { localStorage.setItem("bytegolf-theme", theme); } catch { /* a page from a file may have no storage */ }
}

let kept = null;
try { kept = localStorage.getItem("bytegolf-theme"); } catch { /* as above */ }
button.hidden = false;
choose(themes.includes(kept) ? kept : themes[0]);
button.addEventListener("click", () => choose(themes[(themes.indexOf(button.dataset.theme) + 1) % themes.length]));
