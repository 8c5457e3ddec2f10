"use strict";
const FEW = 12; // classes shown before all are asked for
const FAINT = 64; // of 255; a map that is nowhere brighter is not lit up
const COLOURS = [[8, 4, 32], [84, 16, 110], [170, 44, 92], [228, 98, 40], [250, 176, 30], [255, 250, 190]];
const at = (id) => document.getElementById(id);

// === A card says what is in one photograph ===

class Card {
  constructor(file) {
    this.file = file;
    this.state = "waiting";
    this.stop = new AbortController();
    this.element = at("card").content.firstElementChild.cloneNode(true);
    this.id = `photograph-${Card.count = (Card.count || 0) + 1}`;
    this.find("h2").textContent = file.name;
    this.find("h2").id = this.id;
    this.element.setAttribute("aria-labelledby", this.id);
    this.find(".says").textContent = "Waiting ...";
    this.find(".remove").setAttribute("aria-label", `Remove ${file.name}`);
    this.find(".remove").addEventListener("click", () => this.remove());
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  fail(why) {
    const says = this.find(".says");
    says.classList.add("bad");
    says.textContent = `Failed: ${why}`;
  }

  show({ record, maps }, facts) {
    this.record = record;
    this.maps = maps;
    this.top = 0; // the brightest of all maps, so that they can be compared
    const labels = record.labels.map((label) => `${label.name} ${percent(label.score)}`);
    this.find(".says").textContent = labels.join(", ") || "None of the classes reaches its threshold.";
    this.find(".pair").hidden = false;
    this.showPhotograph();
    this.showRows(facts.thresholds);
  }

  showPhotograph() {
    const { width, height } = this.record;
    const stage = this.find(".stage");
    stage.style.aspectRatio = `${width} / ${height}`;
    stage.style.maxWidth = `${(70 * width) / height}vh`;
    this.find("svg").setAttribute("viewBox", `0 0 ${width} ${height}`);
    const image = this.find("img");
    image.addEventListener("error", () => this.develop(image), { once: true });
    image.src = this.address = URL.createObjectURL(this.file);
  }

  async develop(image) { // no browser shows every kind of file that midlevel reads
    const { picture } = await ask(this, "pictures=true").catch(() => ({}));
    if (picture) image.src = picture;
    else image.remove();
  }

  showRows(thresholds) {
    const names = Object.keys(this.record.scores);
    names.sort((a, b) => this.record.scores[b] - this.record.scores[a]);
    const there = new Set(this.record.labels.map((label) => label.name));
    const rows = names.map((name) => this.row(name, thresholds[name], there.has(name)));
    this.find(".rows").append(...rows);
    const hidden = rows.slice(Math.max(FEW, there.size));
    for (const row of hidden) row.hidden = true;
    const more = this.find(".more");
    more.hidden = !hidden.length;
    more.textContent = `Show all ${rows.length} classes`;
    more.addEventListener("click", () => {
      for (const row of hidden) row.hidden = false;
      more.hidden = true;
      hidden[0].querySelector("input").focus();
    });
    const first = this.record.labels[0]?.name ?? names[0];
    rows[names.indexOf(first)].querySelector("input").checked = true;
    this.choose(first);
  }

  row(name, threshold, isThere) {
    const row = at("row").content.firstElementChild.cloneNode(true);
    const score = this.record.scores[name];
    row.classList.toggle("there", isThere);
    row.querySelector(".name").textContent = isThere ? `${name} ✓` : name;
    row.querySelector(".value").textContent = percent(score);
    row.querySelector(".unseen").textContent = `, threshold ${percent(threshold)}`;
    row.querySelector("i").style.width = `${100 * score}%`;
    row.querySelector("b").style.left = `${100 * threshold}%`;
    row.title = `Threshold ${percent(threshold)}`;
    const input = row.querySelector("input");
    input.name = this.id;
    input.value = name;
    input.addEventListener("change", () => this.choose(name));
    return row;
  }

  async choose(name) {
    this.chosen = name;
    const regions = this.record.regions.filter((region) => region.name === name);
    this.outline(regions);
    this.find(".stage").classList.toggle("lit", at("with-map").checked);
    const count = `${regions.length} ${regions.length === 1 ? "region" : "regions"}`;
    const where = `Where ${name} scored; ${regions.length ? count : "no regions, as it is below its threshold"}.`;
    this.find("figcaption").textContent = where;
    this.find(".stage").setAttribute("aria-label", `${this.file.name}: ${where}`);
    await this.light(name);
  }

  outline(regions) {
    const svg = this.find("svg");
    svg.replaceChildren();
    if (!at("with-regions").checked) return;
    for (const { bbox: [x, y, width, height] } of regions) {
      for (let i = 0; i < 2; i += 1) { // a dark line below a bright one
        const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        for (const [key, value] of Object.entries({ x, y, width, height })) rect.setAttribute(key, value);
        svg.append(rect);
      }
    }
  }

  async light(name) {
    const canvas = this.find("canvas");
    canvas.hidden = !at("with-map").checked;
    const map = await pixels(this.maps[name]);
    const top = this.top || (this.top = await brightest(this.maps));
    if (this.chosen !== name) return; // another was chosen meanwhile
    canvas.width = map.width;
    canvas.height = map.height;
    for (let i = 0; i < map.data.length; i += 4) {
      const share = Math.min(1, map.data[i] / top);
      map.data.set([...colour(share), 200 * share ** 0.75], i);
    }
    canvas.getContext("2d").putImageData(map, 0, 0);
  }

  remove() {
    this.stop.abort();
    if (this.address) URL.revokeObjectURL(this.address);
    const place = cards.indexOf(this);
    cards.splice(place, 1);
    this.element.remove();
    (cards[place] ?? cards.at(-1))?.find(".remove").focus();
    if (!cards.length) at("files").focus();
    tell();
  }
}

// === Small things ===

const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

async function pixels(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}

async function brightest(maps) {
  const all = await Promise.all(Object.values(maps).map(pixels));
  return all.reduce((most, map) => map.data.reduce((a, b, i) => (i % 4 ? a : Math.max(a, b)), most), FAINT);
}

function colour(share) {
  const place = share * (COLOURS.length - 1);
  const low = Math.min(Math.floor(place), COLOURS.length - 2);
  return COLOURS[low].map((value, i) => value + (place - low) * (COLOURS[low + 1][i] - value));
}
