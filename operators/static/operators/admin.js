// What unfold and Select2 leave unsaid, or say too much of, to a screen reader.

// Icons that point along the line, which may run from right to left.
const POINTS = ["arrow_back", "arrow_forward", "chevron_left", "chevron_right", "dock_to_right", "logout"];

// The name of an icon is no word, where there are words beside it.
function hideIcons() {
  for (const icon of document.querySelectorAll(".material-symbols-outlined")) {
    icon.classList.toggle("mirrored", POINTS.includes(icon.textContent.trim()));
    if (icon.parentElement.textContent.trim() !== icon.textContent.trim()) icon.ariaHidden = "true";
  }
}

// Select2 names its field by what is chosen, at first by nothing: it wants its label, too.
function nameSelects() {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const [label] = select.labels;
    if (!label) continue;
    label.id ||= `label_of_${select.id}`;
    for (const part of select.nextElementSibling.querySelectorAll("[role=combobox], [role=textbox]")) {
      part.setAttribute("aria-labelledby", [label.id, part.getAttribute("aria-labelledby")].filter(Boolean).join(" "));
    }
  }
}

// SimpleBar speaks English, whatever the page does.
const SCROLLS = { fa: "محتوای پیمایشی" };
function nameScrollers() {
  for (const part of document.querySelectorAll("[aria-label='scrollable content']")) {
    part.ariaLabel = SCROLLS[document.documentElement.lang] ?? part.ariaLabel;
  }
}

// Django counts what is chosen in a list with the digits of English.
function countInOwnDigits() {
  const counter = document.querySelector(".action-counter");
  if (!counter || document.documentElement.lang !== "fa") return;
  const count = () => {
    const own = counter.textContent.replace(/[0-9]/g, (digit) => "۰۱۲۳۴۵۶۷۸۹"[digit]);
    if (own !== counter.textContent) counter.textContent = own;
  };
  new MutationObserver(count).observe(counter, { childList: true, characterData: true, subtree: true });
  count();
}

window.addEventListener("load", () => {
  countInOwnDigits();
  nameScrollers();
  hideIcons();
  window.django?.jQuery?.(nameSelects); // after Django has made them
});
