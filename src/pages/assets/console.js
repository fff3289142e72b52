// Makes the console kinder; all but copying works without it.
(() => {
  "use strict";
  document.getElementById("problems")?.focus();

  // a second press would only be answered like the first one
  for (const form of document.querySelectorAll('form[method="post"]')) {
    let sent = false;
    form.addEventListener("submit", (event) => {
      if (sent) return event.preventDefault();
      sent = true;
      form.classList.add("sent");
    });
    addEventListener("pageshow", () => {
      sent = false;
      form.classList.remove("sent");
    });
  }

  // ticks all boxes of a page, and is not ticked itself when one of them is not
  for (const all of document.querySelectorAll("input[data-ticks]")) {
    const boxes = [...all.form.elements].filter((box) => box.name === all.dataset.ticks);
    all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
    for (const box of boxes) box.addEventListener("change", () => (all.checked = boxes.every((one) => one.checked)));
  }

  // what goes on is shown anew, without losing the reader's place; when it is over, the page has other buttons
  const live = () => setTimeout(async () => {
    try {
      const text = await (await fetch(location.href)).text();
      const next = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
      if (!next) return location.reload();
      document.querySelector("[data-live]").replaceWith(next);
    } catch {}
    live();
  }, 3000);
  if (document.querySelector("[data-live]")) live();

  // shows the instant that a time in the tenant's zone is, and tells the server which was shown
  const shown = document.querySelector("input[data-zone]");
  const local = (at) => new Date(at).toLocaleString("sv", { timeZone: shown.dataset.zone }).replace(" ", "T").slice(0, 16);
  shown?.form.elements.expires.addEventListener("input", ({ target: { value } }) => {
    const typed = Date.parse(value + "Z");
    let at = typed;
    for (let step = 0; step < 2 && at; step++) at += typed - Date.parse(local(at) + "Z");
    const exists = at && local(at) === value.slice(0, 16);
    const words = (text) => text.slice(0, 16).replace("T", " ");
    shown.value = exists ? at : "";
    document.getElementById("ends").textContent = exists
      ? `The link is good until ${words(value)} ${shown.dataset.zone} (${words(new Date(at).toISOString())} UTC).` : "";
  });

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select?.();
      await navigator.clipboard.writeText(field.value ?? field.textContent);
      button.textContent = "Copied";
    });
  }
})();
