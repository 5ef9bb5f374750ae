"use strict";

const THEME = "rnnbench-theme";
const root = document.documentElement;
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

// A page that was opened from disk may have no storage, and then merely forgets the choice.
function remembered() {
  try {
    return localStorage.getItem(THEME);
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    return;
  }
}

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches;
}

function addButton(place, text, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "theme";
  button.textContent = text;
  button.addEventListener("click", onClick);
  place.prepend(button);
  return button;
}

function addThemeToggle(navigation) {
  const button = addButton(navigation, "", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    name();
  });
  const name = () => {
    button.textContent = isDark() ? "Light colours" : "Dark colours";
  };
  systemIsDark.addEventListener("change", name);
  name();
}

// What a cell sorts by: "> 160" comes right after 160, "17.4 (12.7 to 24.1)" at 17.4.
function numberIn(text) {
  const found = text.match(/^([<>]?)\s*(-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)(?!\w)/i);
  if (!found) return null;
  const bound = { "<": -1, ">": 1 }[found[1]] ?? 0;
  return [Number(found[2].replace(/,(?=\d{3})/g, "").replace(/,.*/, "")), bound];
}

function comparison(texts) {
  const known = texts.filter((text) => text !== "");
  if (known.every((text) => numberIn(text) !== null)) {
    return (first, second) => {
      const [a, b] = [numberIn(first), numberIn(second)];
      return a[0] - b[0] || a[1] - b[1];
    };
  }
  return (first, second) => first.localeCompare(second, "en", { numeric: true });
}

function sortTable(header) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  const body = header.closest("table").tBodies[0];
  const rows = Array.from(body.rows);
  const text = (row) => row.cells[header.cellIndex].textContent.trim();
  const compare = comparison(rows.map(text));
  rows.sort((first, second) => {
    const [a, b] = [text(first), text(second)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return descending ? compare(b, a) : compare(a, b);
  });
  body.append(...rows);
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

function makeSortable(header) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sortTable(header));
  header.append(button);
}

function makeEnlargeable(picture, dialog) {
  const drawing = picture.querySelector("svg");
  picture.tabIndex = 0;
  picture.setAttribute("role", "button");
  picture.setAttribute("aria-label", `Enlarge: ${drawing.getAttribute("aria-label")}`);
  const enlarge = () => {
    picture.style.minHeight = `${picture.offsetHeight}px`;
    dialog.append(drawing);
    dialog.showModal();
    const putBack = () => {
      picture.append(drawing);
      picture.style.minHeight = "";
      picture.focus({ preventScroll: true });
    };
    dialog.addEventListener("close", putBack, { once: true });
  };
  picture.addEventListener("click", enlarge);
  picture.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    enlarge();
  });
}

function addDialog() {
  const dialog = document.createElement("dialog");
  dialog.addEventListener("click", () => dialog.close());
  addButton(dialog, "Close", () => dialog.close());
  document.body.append(dialog);
  return dialog;
}

const theme = remembered();
if (theme === "dark" || theme === "light") root.dataset.theme = theme;

document.addEventListener("DOMContentLoaded", () => {
  const navigation = document.querySelector("nav");
  navigation.querySelector("details").open = matchMedia("(min-width: 80rem)").matches;
  addThemeToggle(navigation);
  document.querySelectorAll("thead th").forEach(makeSortable);
  const dialog = addDialog();
  document.querySelectorAll(".picture").forEach((picture) => makeEnlargeable(picture, dialog));
});
