const AT_ONCE = 3; // requests of this page
const cards = []; // in the order the photographs came
let running = 0;
const model = fetch("api/model").then((answer) => answer.json());

// === Photographs come, and are sent in their order ===

function take(files) {
  for (const file of files) {
    const card = new Card(file);
    cards.push(card);
    at("photographs").append(card.element);
  }
  go();
}

function go() {
  for (const card of cards) {
    if (running >= AT_ONCE) break;
    if (card.state === "waiting") send(card);
  }
  tell();
}

async function send(card) {
  running += 1;
  card.state = "sent";
  try {
    card.show(await ask(card), await model);
    card.state = "done";
  } catch (error) {
    card.fail(error.message);
    card.state = "failed";
  }
  running -= 1;
  go();
}

async function ask(card, wanted = "maps=*") {
  const most = (await model).max_upload;
  if (card.file.size > most) {
    throw new Error(`has ${card.file.size} bytes; at most ${most} are taken. Make it smaller.`);
  }
  for (;;) {
    const body = new FormData();
    body.append("files", card.file, card.file.name);
    const options = { method: "POST", body, signal: card.stop.signal };
    const answer = await fetch(`api/predict?${wanted}`, options).catch((error) => {
      throw card.stop.signal.aborted ? error : new Error("The server cannot be reached. Is midlevel serve still running?");
    });
    if (answer.status === 503) {
      const seconds = Number(answer.headers.get("Retry-After")) || 1;
      await new Promise((next) => setTimeout(next, 1000 * seconds));
      continue;
    }
    const found = await answer.json();
    if (!found.records) throw new Error(found.detail);
    const record = found.records[0];
    if (record.failure) throw new Error(without(record.failure, `${record.file}: `));
    return { record, maps: found.maps[0], picture: found.pictures[0] };
  }
}

const without = (text, start) => (text.startsWith(start) ? text.slice(start.length) : text);

function tell() {
  const done = cards.filter((card) => card.state === "done").length;
  const failed = cards.filter((card) => card.state === "failed").length;
  const parts = [`${done} of ${cards.length} ${cards.length === 1 ? "photograph" : "photographs"} labelled`];
  if (failed) parts.push(`${failed} failed`);
  at("state").textContent = cards.length ? `${parts.join(", ")}.` : "";
  at("tools").hidden = !cards.length;
  at("save").disabled = !done;
}

// === What a person does ===

function save() {
  const lines = cards.filter((card) => card.record).map((card) => `${JSON.stringify(card.record)}\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "predictions.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

at("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // the same may be chosen again
});
for (const kind of ["dragenter", "dragover"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
}
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  take(event.dataTransfer.files);
});
addEventListener("paste", (event) => take(event.clipboardData.files));
for (const id of ["with-map", "with-regions"]) {
  at(id).addEventListener("change", () => {
    for (const card of cards) if (card.record) card.choose(card.chosen);
  });
}
at("clear").addEventListener("click", () => {
  for (const card of [...cards]) card.remove();
});
at("save").addEventListener("click", save);
at("address").textContent = new URL(".", location).href;
