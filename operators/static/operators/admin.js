// What unfold and Select2 leave unsaid, or say too much of, to a screen reader.

// The name of an icon is no word, where there are words beside it.
function hideIcons() {
  for (const icon of document.querySelectorAll(".material-symbols-outlined")) {
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

window.addEventListener("load", () => {
  hideIcons();
  window.django?.jQuery?.(nameSelects); // after Django has made them
});
