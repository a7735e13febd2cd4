// The labelling desk in the browser: one line at a time, every key, and nothing that is kept here alone.
"use strict";

// The same for a page that is loaded again, so that it gets the line again that it had shown.
const tab = sessionStorage.getItem("tab") ?? crypto.randomUUID();
sessionStorage.setItem("tab", tab);
const at = (id) => document.getElementById(id);
const input = at("text");
const seen = []; // numbers of the lines that this tab has shown
let place = -1; // the one in `seen` that is shown now
let line = null; // as the server tells it
let done = []; // [number, version] of the answers that this tab can take back
let insists = false; // Enter was pressed over a text that does not fit
let busy = false;
let zoom = 1;
let newest = 0; // serial of the progress that is shown: answers may overtake each other on their way

async function ask(what, values) {
  let answer;
  try {
    answer = await fetch(`ask/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ tab, ...values }),
    });
  } catch {
    say("The server does not answer. Start it again and open its new address; what you type stays here until then.");
    return null;
  }
  const values_ = await answer.json().catch(() => ({ error: `the server says ${answer.status}` }));
  if (values_.progress) showProgress(values_.progress);
  if (answer.ok) return values_;
  if (answer.status === 409) {
    const mine = input.value;
    show(values_.line);
    const now = values_.line.text === null ? "it has no text now" : `it says “${values_.line.text}” now`;
    say(`Another hand changed this line meanwhile: ${now}. Enter writes yours over it.`);
    input.value = mine;
  } else {
    say(values_.error);
  }
  return null;
}

function say(text) {
  at("message").textContent = text;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function showProgress(now) {
  if (now.serial < newest) return;
  newest = now.serial;
  at("bar").value = now.answered;
  const parts = [`${now.answered} of ${now.lines} answered`];
  if (now.unreadable) parts.push(`${now.unreadable} not readable`);
  if (now.not_one_line) parts.push(`${now.not_one_line} not one line`);
  if (now.compared) parts.push(`the model read ${percent(now.wrong)} of them wrong, CER ${percent(now.cer)}`);
  if (now.open) parts.push(`${now.read} read by the model so far`);
  if (now.num_damaged) parts.push(`${now.num_damaged} pictures cannot be read`);
  at("progress").textContent = parts.join(" · ");
  at("commands").textContent = now.commands.join("\n");
  at("damaged").replaceChildren(...now.damaged.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
}

function show(next) {
  line = next;
  insists = false;
  at("desk").hidden = next === null;
  at("done").hidden = next !== null;
  if (next === null) {
    at("then").open = true;
    return;
  }
  const state = { text: "answered", unreadable: "not readable", not_one_line: "not one line" }[next.kind];
  at("name").textContent = next.name + (state ? ` (${state})` : "");
  at("picture").src = `picture/${next.number}`;
  const doubtful = new Set(next.guess.doubtful);
  at("reading").replaceChildren(
    ...Array.from(next.guess.text, (character, i) => {
      const part = document.createElement(doubtful.has(i) ? "mark" : "span");
      part.textContent = character;
      return part;
    }),
  );
  at("confidence").textContent = next.guess.text ? `${percent(next.guess.confidence)} sure` : "nothing";
  input.value = next.text ?? next.guess.text;
  input.focus();
  input.setSelectionRange(input.value.length, input.value.length);
  say(next.trouble ?? (next.guess.remark ? `This picture ${next.guess.remark}.` : ""));
  showRemarks(next.guess.fits || next.text !== null ? [] : ["does not fit the pattern"]);
  if (next.text !== null) checkText();
}

function visit(next) {
  if (next !== null) {
    seen.length = place + 1;
    seen.push(next.number);
    place = seen.length - 1;
  }
  show(next);
}

function showRemarks(remarks) {
  at("remarks").textContent = remarks.length ? `This text ${remarks.join("; ")}.` : "";
  input.setAttribute("aria-invalid", remarks.length ? "true" : "false");
}

let waiting;
function checkText() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const text = input.value.trim();
    const got = text ? await ask("remarks", { text }) : { remarks: [] };
    if (got && text === input.value.trim()) showRemarks(got.remarks);
  }, 150);
}

async function answer(kind) {
  if (line === null) return;
  const values = { number: line.number, version: line.version, kind, text: kind === "text" ? input.value : "" };
  const got = await ask("answer", { ...values, anyway: insists });
  if (got === null) return;
  if (got.misfit) {
    insists = true;
    say("This text does not fit the pattern. Enter once more writes it all the same.");
    return;
  }
  done.push([got.answered.number, got.answered.version]);
  visit(got.line);
}

async function back() {
  if (place > 0 && line !== null) {
    place -= 1;
  } else if (line === null && place >= 0) {
    // all is answered: the last line that was shown
  } else {
    const got = await ask("before", { number: line === null ? null : line.number });
    if (got && got.line) {
      seen.unshift(got.line.number);
      place = 0;
      show(got.line);
    } else if (got) say("There is no line before this one.");
    return;
  }
  const got = await ask("line", { number: seen[place] });
  if (got) show(got.line);
}

async function later() {
  if (line === null) return;
  if (place < seen.length - 1) {
    place += 1;
    const got = await ask("line", { number: seen[place] });
    if (got) show(got.line);
    return;
  }
  const got = await ask("later", { number: line.number });
  if (got) visit(got.line);
}

async function undo() {
  if (!done.length) {
    say("This tab has given no answer that could be taken back; PageUp goes back to earlier ones.");
    return;
  }
  const [number, version] = done[done.length - 1];
  const got = await ask("undo", { number, version });
  if (got === null) return;
  done.pop();
  visit(got.line);
  say("The last answer is taken back.");
}

function nextDoubtful() {
  if (line === null || !line.guess.doubtful.length) return;
  // Positions are those of characters; a browser counts some characters as two.
  const units = (count) => Array.from(line.guess.text).slice(0, count).join("").length;
  const starts = line.guess.doubtful.map((i) => [units(i), units(i + 1)]);
  const here = input.selectionStart === input.selectionEnd ? -1 : input.selectionStart;
  const [start, end] = starts.find(([first]) => first > here) ?? starts[0];
  input.focus();
  input.setSelectionRange(start, end);
}

function size() {
  const picture = at("picture");
  if (!picture.naturalWidth) return;
  const room = at("frame").clientWidth - 20;
  const fitting = Math.min(room / picture.naturalWidth, 120 / picture.naturalHeight, 6);
  picture.style.width = `${Math.max(8, Math.round(picture.naturalWidth * fitting * zoom))}px`;
}

function enlarge(factor) {
  zoom = Math.min(16, Math.max(0.25, zoom * factor));
  size();
}

const keys = {
  Enter: () => answer("text"),
  F2: nextDoubtful,
  F4: undo,
  F8: () => answer("unreadable"),
  F9: () => answer("not_one_line"),
  PageUp: back,
  PageDown: later,
  ArrowUp: () => enlarge(1.25),
  ArrowDown: () => enlarge(0.8),
};

async function press(key) {
  if (busy) return;
  busy = true;
  say("");
  try {
    await keys[key]();
  } finally {
    busy = false;
  }
}

document.addEventListener("keydown", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.altKey || event.isComposing);
  const other = event.target instanceof Element && event.target.closest("button, summary, pre");
  if (!plain || !(event.key in keys) || (other && event.key === "Enter")) return;
  if (event.key === "Enter" && line === null) return;
  event.preventDefault();
  press(event.key);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-key]");
  if (!button) return;
  press(button.dataset.key);
  if (line !== null) input.focus();
});
input.addEventListener("input", () => {
  insists = false;
  say("");
  checkText();
});
at("picture").addEventListener("load", size);
window.addEventListener("resize", size);

(async () => {
  const got = await ask("next", {});
  if (got) visit(got.line);
})();
// What the model has read meanwhile.
setInterval(async () => {
  if (!busy && !document.hidden && line !== null) await ask("remarks", { text: input.value });
}, 5000);
