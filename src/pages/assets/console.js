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
