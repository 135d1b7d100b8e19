"use strict";
(() => {
  const source = document.getElementById("browser-data");
  if (!source) return;
  const index = JSON.parse(source.textContent);
  const { models } = index;
  const entries = index.entries.map(([world, origin, task, sample, outcome, errors], number) =>
    ({ world, origin, task, sample, outcome, errors, number, low: task.toLowerCase() }));
  const chunks = document.querySelectorAll("script.chunk");
  const filters = document.getElementById("filters");
  const list = document.getElementById("list");
  const rows = document.getElementById("rows");
  const reader = document.getElementById("reader");
  const found = document.getElementById("found");
  const ROW = 58, SPARE = 8;
  let shown = [], current = null, opened = { number: -1, chunk: null }, wanted = 0;

  // Model output only ever becomes a text node.
  const make = (tag, kind, text) => {
    const element = document.createElement(tag);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const unpack = async (number) => {
    if (opened.number !== number) {
      const packed = Uint8Array.from(atob(chunks[number].textContent), (letter) => letter.charCodeAt(0));
      const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
      opened = { number, chunk: JSON.parse(await new Response(plain).text()) };
    }
    return opened.chunk;
  };

  const turnOf = (turn, texts) => {
    const trained = turn.trained ? " trained" : "";
    if (!turn.played) {
      const answer = make("p", "turn answer" + trained);
      answer.append(make("span", "role", turn.role === "user" ? "world" : turn.role), texts[turn.text]);
      return answer;
    }
    const invalid = turn.valid === false;
    const reply = make("p", "turn reply" + (invalid ? " invalid" : "") + trained);
    if (invalid) reply.append(make("span", "tag", "no valid action"));
    if (turn.thought !== undefined) reply.append(make("span", "thought", texts[turn.thought]));
    reply.append(make("span", "action", texts[turn.text] || "(empty reply)"));
    if (turn.executed !== undefined) reply.append(make("span", "executed", "executed: " + texts[turn.executed]));
    return reply;
  };

  const openingOf = (turns, texts) => {
    const box = make("details", "opening");
    box.append(make("summary", "", "How the episode opens (" + turns.length + (turns.length === 1 ? " message)" : " messages)")));
    box.append(...turns.map((turn) => turnOf(turn, texts)));
    return box;
  };

  // How many turns two models share: the same actions, and the same answers of the world.
  const sharedTurns = (one, other) => {
    const same = (a, b) => a && b && a.played === b.played && a.text === b.text;
    let length = 0;
    while (same(one[length], other[length])) length += 1;
    return length;
  };

  const playOf = (model, play, entry, texts, same) => {
    const column = make("article", "play series-" + Math.min(models.indexOf(model), 3));
    const head = make("header");
    const steps = play.turns.filter((turn) => turn.played).length;
    head.append(make("span", "verdict " + (play.success ? "solved" : "failed"), play.success ? "solved" : "failed"));
    head.append(make("b", "", model), make("br"));
    head.append(make("small", "", "reward " + play.reward.toFixed(2) + ", " + steps + (steps === 1 ? " turn" : " turns") + ", ended by " + play.stop));
    const errors = (entry.errors[model] || []).map((error) => make("span", "tag error-tag", index.errors[error]));
    if (errors.length) head.append(make("br"), ...errors);
    column.append(head);
    if (play.failure) column.append(make("p", "broke", play.failure));
    play.turns.forEach((turn, number) => {
      if (number === same && same > 0) column.append(make("p", "differs", "from here on the two differ"));
      column.append(turnOf(turn, texts));
    });
    return column;
  };

  const show = async (entry) => {
    current = entry;
    paint();
    wanted += 1;
    const ticket = wanted;
    if (!entry) return reader.replaceChildren();
    const { texts, episodes } = await unpack(Math.floor(entry.number / index.chunk));
    if (ticket !== wanted) return;
    const plays = episodes[entry.number % index.chunk];
    const chosen = models.filter((model) => model in plays && (!filters.elements.model.value || model === filters.elements.model.value));
    const about = [entry.world, entry.origin, entry.outcome].concat(entry.sample ? ["sample " + entry.sample] : []);
    const first = Object.values(plays)[0].opening;
    const columns = make("div", "plays");
    const same = chosen.length === 2 ? sharedTurns(plays[chosen[0]].turns, plays[chosen[1]].turns) : -1;
    columns.append(...chosen.map((model) => playOf(model, plays[model], entry, texts, same)));
    reader.replaceChildren(make("h3", "", entry.task), make("small", "", about.join(" · ")));
    if (first.length > 1) reader.append(openingOf(first.slice(0, -1), texts));
    if (first.length) reader.append(turnOf(first[first.length - 1], texts));
    reader.append(columns);
    reader.scrollTop = 0;
  };

  const rowOf = (entry, place) => {
    const row = make("div", "row");
    row.id = "row-" + entry.number;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(entry === current));
    row.setAttribute("aria-posinset", String(place + 1));
    row.setAttribute("aria-setsize", String(shown.length));
    row.style.top = place * ROW + "px";
    row.append(make("b", "", entry.task), make("small", "", entry.world + " · "));
    row.append(make("small", "outcome-" + entry.outcome.split(" ")[0], entry.outcome));
    row.addEventListener("click", () => show(entry));
    return row;
  };

  // Only the rows in sight exist.
  const paint = () => {
    const from = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
    const to = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE);
    rows.style.height = shown.length * ROW + "px";
    rows.replaceChildren(...shown.slice(from, to).map((entry, place) => rowOf(entry, from + place)));
    list.setAttribute("aria-activedescendant", current ? "row-" + current.number : "");
  };

  const refresh = () => {
    const { text, world, outcome, model, error } = Object.fromEntries(new FormData(filters));
    const words = text.trim().toLowerCase();
    const erred = (entry) => Object.entries(entry.errors).some(([name, shows]) => (!model || name === model) && shows.includes(Number(error)));
    shown = entries.filter((entry) =>
      (!words || entry.low.includes(words)) && (!world || entry.world === world) &&
      (!outcome || entry.outcome === outcome) && (!error || erred(entry)));
    found.textContent = shown.length.toLocaleString("en") + " of " + entries.length.toLocaleString("en");
    reader.classList.toggle("masked", filters.elements.mask.checked);
    list.scrollTop = Math.max(0, shown.indexOf(current)) * ROW;
    show(shown.includes(current) ? current : shown[0] || null);
  };

  const walk = (step) => {
    const place = Math.min(shown.length - 1, Math.max(0, shown.indexOf(current) + step));
    if (place < 0) return;
    const top = place * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    show(shown[place]);
  };

  const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
  list.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    walk(STEPS[event.key]);
  });
  list.addEventListener("scroll", paint, { passive: true });
  window.addEventListener("resize", paint);
  filters.addEventListener("input", refresh);
  filters.addEventListener("submit", (event) => event.preventDefault());
  refresh();
})();
