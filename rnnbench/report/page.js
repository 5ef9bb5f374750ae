"use strict";

const THEME = "rnnbench-theme";
const root = document.documentElement;
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const isPhone = matchMedia("(max-width: 40rem)");

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
    // Nothing to do: the choice holds for this page.
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

// What a cell sorts by: "> 160" comes right after 160, "17.4 (12.7 to 24.1)" at 17.4. A count of
// words, "9 vanishing", is no number.
function numberIn(text) {
  const found = text.match(/^([<>]?)\s*([-+\u2212]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)(?=$|[*%,/]| \(| of | to )/i);
  if (!found) return null;
  const bound = { "<": -1, ">": 1 }[found[1]] ?? 0;
  const digits = found[2].replace("\u2212", "-").replace(/,(?=\d{3})/g, "").replace(/,.*/, "");
  return [Number(digits), bound];
}

// Numbers in their order if there is any; else texts, counts of words by the words.
function sortKey(texts) {
  if (texts.some((text) => numberIn(text) !== null)) return numberIn;
  return (text) => (text === "" ? null : [text.replace(/(^|, )\d+ (?=\D)/g, "$1"), text]);
}

function comparePart(first, second) {
  if (typeof first === "number") return first - second;
  return first.localeCompare(second, "en", { numeric: true });
}

function compareKeys(first, second) {
  return comparePart(first[0], second[0]) || comparePart(first[1], second[1]);
}

// Up, down, and back to the first order. What has no key comes last either way.
const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

function sortTable(header) {
  const body = header.closest("table").tBodies[0];
  const rows = Array.from(body.rows);
  rows.forEach((row, place) => { row.dataset.place ??= place; });
  rows.sort((first, second) => first.dataset.place - second.dataset.place);
  const how = NEXT[header.getAttribute("aria-sort") ?? "none"];
  if (how !== "none") {
    const text = (row) => row.cells[header.cellIndex].textContent.trim();
    const key = sortKey(rows.map(text));
    const keys = new Map(rows.map((row) => [row, key(text(row))]));
    rows.sort((first, second) => {
      const [a, b] = [keys.get(first), keys.get(second)];
      if (a === null || b === null) return (a === null) - (b === null);
      return how === "descending" ? compareKeys(b, a) : compareKeys(a, b);
    });
  }
  body.append(...rows);
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  if (how !== "none") header.setAttribute("aria-sort", how);
}

function makeSortable(header) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sortTable(header));
  header.append(button);
}

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// Draw a picture as wide as the window is: on a phone its panels stand in a column.
async function draw(picture) {
  const kind = isPhone.matches ? "narrow" : "wide";
  if (picture.dataset.drawn === kind) return;
  picture.dataset.drawn = kind;
  picture.innerHTML = await unpack(picture.dataset[kind]);
}

function drawShown() {
  const isOpen = (picture) => !picture.closest("details:not([open])");
  const shown = Array.from(document.querySelectorAll(".picture")).filter(isOpen);
  return Promise.all(shown.map(draw));
}

// The enlarged drawing is the wide one as well on a phone: it has room, as the dialog scrolls.
async function enlarge(picture, dialog) {
  if (dialog.open) return;
  const frame = dialog.querySelector(".frame");
  picture.style.minHeight = `${picture.offsetHeight}px`;
  const before = Array.from(picture.childNodes);
  picture.replaceChildren(); // its ids would be there twice
  dialog.showModal();
  const putBack = () => {
    frame.replaceChildren();
    picture.replaceChildren(...before);
    picture.style.minHeight = "";
    picture.focus({ preventScroll: true });
  };
  dialog.addEventListener("close", putBack, { once: true });
  const drawing = await unpack(picture.dataset.wide);
  if (!dialog.open) return;
  frame.innerHTML = drawing;
  dialog.scrollTo(0, 0);
}

function makeEnlargeable(picture, dialog) {
  picture.tabIndex = 0;
  picture.setAttribute("role", "button");
  picture.setAttribute("aria-label", `Enlarge: ${picture.getAttribute("aria-label")}`);
  picture.addEventListener("click", () => enlarge(picture, dialog));
  picture.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    enlarge(picture, dialog);
  });
}

function addDialog() {
  const dialog = document.createElement("dialog");
  const frame = document.createElement("div");
  frame.className = "frame";
  dialog.append(frame);
  dialog.addEventListener("click", () => dialog.close());
  addButton(dialog, "Close", () => dialog.close());
  document.body.append(dialog);
  return dialog;
}

// Open the section that a link leads to.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const section = target?.closest("main details");
  if (!section) return;
  section.open = true;
  drawShown().then(() => target.scrollIntoView());
}

// To search in it, or to print it.
function openAll() {
  document.querySelectorAll("main details").forEach((section) => { section.open = true; });
}

const theme = remembered();
if (theme === "dark" || theme === "light") root.dataset.theme = theme;

document.addEventListener("DOMContentLoaded", () => {
  const navigation = document.querySelector("nav");
  navigation.querySelector("details").open = matchMedia("(min-width: 80rem)").matches;
  addThemeToggle(navigation);
  addButton(navigation, "Open all", openAll);
  document.querySelectorAll("thead th").forEach(makeSortable);
  const dialog = addDialog();
  document.querySelectorAll(".picture").forEach((picture) => makeEnlargeable(picture, dialog));
  document.querySelectorAll("main details").forEach((section) => {
    section.addEventListener("toggle", drawShown);
  });
  // A link to where the page already is changes no hash.
  navigation.addEventListener("click", () => setTimeout(openTarget));
  addEventListener("hashchange", openTarget);
  isPhone.addEventListener("change", drawShown);
  drawShown().then(openTarget);
});
