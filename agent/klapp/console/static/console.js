// The page's own script: what changes is shown as it does, findings while one types, words to write, passkeys. Everything else works without it.
const field = (name) => document.querySelector(`input[name="${name}"]`).value;

async function ask(path, values) {
  const body = new URLSearchParams({ csrf: field("csrf"), as: "data", ...values });
  const response = await fetch(path, { method: "POST", body });
  const found = await response.json();
  if (!response.ok) throw new Error(found.error);
  return found;
}

function tell(text) {
  const line = document.createElement("p");
  line.className = "told";
  line.textContent = text;
  document.getElementById("status").replaceChildren(line);
}

const editor = document.getElementById("editor");
if (editor) {
  const text = document.getElementById("text");
  const lines = document.getElementById("lines");
  const list = document.getElementById("findings");
  const count = document.getElementById("count");
  const offers = document.getElementById("offers");
  const saved = text.value;
  let waiting = 0, asked = 0, wrong = new Set(), leaving = false;

  const number = () => {
    const total = text.value.split("\n").length;
    lines.replaceChildren(...Array.from({ length: total }, (_, index) => {
      const one = document.createElement("span");
      one.textContent = `${index + 1}\n`;
      if (wrong.has(index + 1)) one.className = "error";
      return one;
    }));
    lines.scrollTop = text.scrollTop;
  };
  const place = (line, column) => {
    const before = text.value.split("\n").slice(0, line - 1).join("\n");
    const at = before.length + (line > 1 ? 1 : 0) + column - 1;
    text.focus();
    text.setSelectionRange(at, at);
    text.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(text).lineHeight));
  };
  const show = (findings) => {
    count.textContent = findings.length === 0 ? "None: it is fine." : findings.length === 1 ? "1 finding" : `${findings.length} findings`;
    list.replaceChildren(...findings.map((one) => {
      const item = document.createElement("li");
      const go = document.createElement("button");
      const kind = document.createElement("strong");
      const help = document.createElement("span");
      item.className = one.severity;
      go.type = "button";
      go.className = "place";
      go.textContent = `Line ${one.line}`;
      go.dataset.line = one.line;
      go.dataset.column = one.column;
      kind.textContent = `${one.severity} ${one.code}`;
      help.className = "fine";
      help.textContent = one.help;
      item.append(go, " ", kind, `: ${one.message} `, help);
      return item;
    }));
    wrong = new Set(findings.map((one) => one.line));
    number();
  };
  const check = async () => {
    const mine = ++asked;
    try {
      const found = await ask("/edit/check", { text: text.value });
      if (mine === asked) show(found.findings);
    } catch (error) {
      tell(`The text could not be checked: ${error.message}`);
    }
  };
  const offer = async () => {
    // The page counts UTF-16 units, klapp counts characters.
    const at = [...text.value.slice(0, text.selectionStart)].length;
    const found = (await ask("/edit/check", { text: text.value, at })).offers;
    offers.hidden = found.length === 0;
    if (!found.length) tell("Nothing can be offered here.");
    offers.querySelector("ul").replaceChildren(...found.map((one) => {
      const item = document.createElement("li");
      const choose = document.createElement("button");
      choose.type = "button";
      choose.className = "quiet";
      choose.textContent = one.label;
      choose.title = one.detail;
      choose.addEventListener("click", () => {
        const start = [...text.value].slice(0, one.start).join("").length;
        text.setRangeText(one.text, start, text.selectionStart, "end");
        offers.hidden = true;
        text.focus();
        check();
      });
      item.append(choose);
      return item;
    }));
    offers.querySelector("button")?.focus();
  };
  text.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(check, 250);
    number();
  });
  text.addEventListener("scroll", () => { lines.scrollTop = text.scrollTop; });
  text.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === " ") {
      event.preventDefault();
      offer().catch((error) => tell(error.message));
    }
  });
  offers.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { offers.hidden = true; text.focus(); }
  });
  list.addEventListener("click", (event) => {
    const go = event.target.closest(".place");
    if (go) place(Number(go.dataset.line), Number(go.dataset.column));
  });
  editor.addEventListener("submit", () => { leaving = true; });
  addEventListener("beforeunload", (event) => {
    if (!leaving && text.value !== saved) event.preventDefault();
  });
  check();
  document.getElementById("would-be")?.scrollIntoView();
}

const making = document.getElementById("new-passkey");
making?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const { options } = await ask("/passkey", { what: "begin" });
    const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options)) });
    await ask("/passkey", { what: "confirm", answer: JSON.stringify(made), name: document.getElementById("passkey-name").value });
    location.reload();
  } catch (error) {
    tell(`No passkey was added: ${error.message}`);
  }
});

document.getElementById("with-passkey")?.addEventListener("click", async () => {
  const form = document.getElementById("unlock");
  if (!form.reportValidity()) return;
  try {
    const { options } = await ask("/passkey", { what: "options" });
    const signed = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options)) });
    form.elements.passkey.value = JSON.stringify(signed);
    form.submit();
  } catch (error) {
    tell(`The passkey was not used: ${error.message}`);
  }
});

// What changes is shown without loading the page anew; asked for only while somebody can see it.
const parts = () => [...document.querySelectorAll("[data-live]")];
if (parts().length) {
  const header = { "X-Klapp-Live": "1" };
  let shown = document.getElementById("main").dataset.version, timer = 0;
  const fresh = () => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // it parses the page, and runs nothing in it
    request.open("GET", location.href);
    request.responseType = "document";
    request.setRequestHeader("X-Klapp-Live", "1");
    request.onload = () => (request.status === 200 && request.response ? resolve(request.response) : reject(new Error("closed")));
    request.onerror = reject;
    request.send();
  });
  const update = (page) => {
    let whole = true;
    for (const old of parts()) {
      const now = page.querySelector(`[data-live="${old.dataset.live}"]`);
      if (!now || now.isEqualNode(old)) continue;
      // Nothing is taken from under somebody's hand, or from the middle of what is being read out.
      if (old.contains(document.activeElement)) whole = false;
      else old.replaceWith(document.importNode(now, true));
    }
    return whole;
  };
  const look = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const response = await fetch("/version", { headers: header });
      if (!response.ok) return;
      const { version } = await response.json();
      if (version !== shown && !update(await fresh())) shown = "again";
      else shown = version;
    } catch {
      return; // the page was closed
    }
    timer = setTimeout(look, 2000);
  };
  document.addEventListener("visibilitychange", look);
  look();
}
