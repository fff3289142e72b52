// Makes the set-password form kinder; the form works without it.
(() => {
  "use strict";
  const form = document.querySelector("form[data-passwords]");
  if (!form) return;
  const [password, confirm] = ["password", "confirm"].map((name) => form.elements[name]);
  const live = document.getElementById("mismatch");

  // a switch in the first field that shows and hides both
  const box = password.parentElement;
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "toggle";
  const show = (on) => {
    password.type = confirm.type = on ? "text" : "password";
    toggle.textContent = on ? box.dataset.hide : box.dataset.show;
    toggle.setAttribute("aria-pressed", String(on));
  };
  toggle.addEventListener("click", () => show(password.type === "password"));
  box.append(toggle);
  show(false);

  // say that the two differ as soon as the second is left, and take it back as soon as they agree
  const check = (leaving) => {
    const differ = confirm.value !== "" && confirm.value.normalize() !== password.value.normalize();
    confirm.setCustomValidity(differ ? form.dataset.mismatch : "");
    if (!differ) live.textContent = "";
    else if (leaving) live.textContent = form.dataset.mismatch;
  };
  for (const field of [password, confirm]) field.addEventListener("input", () => check(false));
  confirm.addEventListener("blur", () => check(true));

  // say of each rule of the server's policy whether the password meets it; the server decides, by more of them
  const rules = document.getElementById("rules");
  const said = [...rules.children].map((rule) => rule.appendChild(document.createElement("span")));
  const fold = (text) => text.normalize().toLowerCase();
  const between = /[@. /_+-]/;
  const own = [form.elements.username.value, rules.dataset.organization].map(fold);
  const words = [...own, ...own.flatMap((word) => word.split(between))].filter((word) => [...word].length > 2);
  words.sort((one, other) => other.length - one.length);
  const judge = () => {
    const text = password.value.normalize();
    const known = words.filter((word) => fold(text).includes(word));
    const left = known.reduce((left, word) => left.replaceAll(word, ""), fold(text));
    const met = [
      [...text].length >= Number(rules.dataset.least),
      new Set(text).size > 1,
      text !== "" && (!known.length || left.match(/\p{L}/gu)?.length > 3),
    ];
    said.forEach((span, at) => {
      const word = text && ` (${met[at] ? rules.dataset.met : rules.dataset.unmet})`;
      if (span.textContent !== word) span.textContent = word;
      span.className = text && met[at] ? "met" : "";
    });
  };
  password.addEventListener("input", judge);
  addEventListener("pageshow", judge);

  // tell once that somebody types, by a form whose answer has no page: the page's policy lets a script send nothing else
  if (!("reset" in form.dataset)) password.addEventListener("input", () => {
    const told = document.createElement("form");
    told.method = "post";
    told.action = `${form.action.replace(/\/$/, "")}/started`;
    told.hidden = true;
    document.body.append(told);
    told.submit();
  }, { once: true });

  // a second press would be answered "already used" although the first one won
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) return event.preventDefault();
    sent = true;
    show(false);
    form.classList.add("sent");
  });
  addEventListener("pageshow", () => {
    sent = false;
    form.classList.remove("sent");
  });

  document.getElementById("problems")?.focus();
})();
