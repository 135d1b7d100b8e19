"use strict";
(() => {
  const source = document.getElementById("browser-data");
  if (!source) return;
  const { models, texts = [], episodes = [] } = JSON.parse(source.textContent);
  const filters = document.getElementById("filters");
  const list = document.getElementById("list");
  const reader = document.getElementById("reader");
  const found = document.getElementById("found");
  let current = null;

  // Model output only ever becomes a text node.
  const make = (tag, kind, text) => {
    const element = document.createElement(tag);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const turnOf = (turn) => {
    if (!turn.played) {
      const answer = make("p", "turn answer");
      answer.append(make("span", "role", turn.role === "user" ? "world" : turn.role), texts[turn.text]);
      return answer;
    }
    const invalid = turn.valid === false;
    const reply = make("p", invalid ? "turn reply invalid" : "turn reply");
    if (invalid) reply.append(make("span", "tag", "no valid action"));
    if (turn.thought !== undefined) reply.append(make("span", "thought", texts[turn.thought]));
    reply.append(make("span", "action", texts[turn.text] || "(empty reply)"));
    if (turn.executed !== undefined) reply.append(make("span", "executed", "executed: " + texts[turn.executed]));
    return reply;
  };

  const openingOf = (turns) => {
    const box = make("details", "opening");
    box.append(make("summary", "", "How the episode opens (" + turns.length + (turns.length === 1 ? " message)" : " messages)")));
    box.append(...turns.map(turnOf));
    return box;
  };

  const playOf = (model, play) => {
    const column = make("article", "play series-" + Math.min(models.indexOf(model), 3));
    const head = make("header");
    const steps = play.turns.filter((turn) => turn.played).length;
    head.append(make("span", "verdict " + (play.success ? "solved" : "failed"), play.success ? "solved" : "failed"));
    head.append(make("b", "", model), make("br"));
    head.append(make("small", "", "reward " + play.reward.toFixed(2) + ", " + steps + (steps === 1 ? " turn" : " turns") + ", ended by " + play.stop));
    column.append(head);
    if (play.failure) column.append(make("p", "broke", play.failure));
    column.append(...play.turns.map(turnOf));
    return column;
  };

  const show = (episode) => {
    current = episode;
    for (const button of list.querySelectorAll("button")) {
      if (button.episode === episode) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    reader.replaceChildren();
    reader.scrollTop = 0;
    if (!episode) return;
    const wanted = filters.elements.model.value;
    const shown = models.filter((model) => model in episode.plays && (!wanted || model === wanted));
    const about = [episode.world, episode.origin, episode.outcome].concat(episode.sample ? ["sample " + episode.sample] : []);
    reader.append(make("h3", "", episode.task), make("small", "", about.join(" · ")));
    const first = Object.values(episode.plays)[0];
    if (first.opening.length > 1) reader.append(openingOf(first.opening.slice(0, -1)));
    if (first.opening.length) reader.append(turnOf(first.opening[first.opening.length - 1]));
    const plays = make("div", "plays");
    plays.append(...shown.map((model) => playOf(model, episode.plays[model])));
    reader.append(plays);
  };

  const entryOf = (episode) => {
    const button = make("button");
    button.type = "button";
    button.episode = episode;
    button.append(make("b", "", episode.task), make("small", "", episode.world + " · "));
    button.append(make("small", "outcome-" + episode.outcome.split(" ")[0], episode.outcome));
    button.addEventListener("click", () => show(episode));
    const item = make("li");
    item.append(button);
    return item;
  };

  const refresh = () => {
    const { world, outcome, model } = Object.fromEntries(new FormData(filters));
    const fits = episodes.filter((episode) =>
      (!world || episode.world === world) && (!outcome || episode.outcome === outcome) && (!model || model in episode.plays));
    list.replaceChildren(...fits.map(entryOf));
    found.textContent = fits.length + " of " + episodes.length;
    show(fits.includes(current) ? current : fits[0] || null);
  };

  filters.addEventListener("input", refresh);
  filters.addEventListener("submit", (event) => event.preventDefault());
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (!step || !next) return;
    event.preventDefault();
    next.focus();
    next.click();
  });
  refresh();
})();
