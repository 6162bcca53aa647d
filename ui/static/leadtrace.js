// What a page does beyond links and forms. Everything can be read and searched without it.
"use strict";

const isTyping = (element) => element instanceof HTMLElement && element.matches("input, textarea, select");

// "/" goes to the search field.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const field = document.querySelector("#q, #top-q");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

// A link to a hop opens it.
const openTarget = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView({ block: "center" });
  }
};
window.addEventListener("hashchange", openTarget);
openTarget();

// A link that is meant to be shared is copied instead of followed.
document.addEventListener("click", async (event) => {
  const link = event.target instanceof Element && event.target.closest("a[data-copy]");
  if (!link || !navigator.clipboard) return;
  event.preventDefault();
  await navigator.clipboard.writeText(link.href);
  const label = link.querySelector("span");
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 2000);
});

// A page that refreshes itself keeps open what was open, and waits while somebody fills in a form on it. What a form
// was sent for shows its answer, with the form closed.
let opened = [];
document.addEventListener("input", (event) => {
  event.target.closest?.("form[method=post]")?.setAttribute("data-touched", "");
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  const asked = requestConfig.verb === "get";
  if (asked && target.querySelector("details[open] form[data-touched]")) event.detail.shouldSwap = false;
  opened = asked ? [...document.querySelectorAll("details[open][id]")].map((one) => one.id) : [];
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});

// A filter that is chosen from a list applies at once.
document.addEventListener("change", (event) => {
  if (event.target instanceof HTMLSelectElement && event.target.form?.method === "get") event.target.form.requestSubmit();
});
