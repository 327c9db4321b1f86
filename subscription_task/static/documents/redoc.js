"use strict";
// Redoc would fetch its maker's logo from another host.
const images = HTMLImageElement.prototype;
const isOurs = (address) => new URL(address, location.href).origin === location.origin;
const { setAttribute } = images;
images.setAttribute = function (name, value) {
  if (name !== "src" || isOurs(value)) setAttribute.call(this, name, value);
};
const source = Object.getOwnPropertyDescriptor(images, "src");
Object.defineProperty(images, "src", {
  ...source,
  set(value) {
    if (isOurs(value)) source.set.call(this, value);
  },
});

// It knows no dark pages, but takes their colours.
const dark = {
  colors: {
    primary: { main: "#cf9bff" },
    success: { main: "#7ee2a8" },
    error: { main: "#ff8f8f" },
    text: { primary: "#ece8f2", secondary: "#aca3bb" },
    border: { dark: "#352e42", light: "#241f2e" },
    responses: {
      success: { color: "#7ee2a8", backgroundColor: "#14301f", tabTextColor: "#7ee2a8" },
      error: { color: "#ff8f8f", backgroundColor: "#3a1a1d", tabTextColor: "#ff8f8f" },
    },
  },
  sidebar: { backgroundColor: "#1d1925", textColor: "#ece8f2" },
  rightPanel: { backgroundColor: "#0d0b11" },
  schema: { nestedBackground: "#1d1925", linesColor: "#5c5569", typeNameColor: "#aca3bb", typeTitleColor: "#aca3bb" },
  typography: { code: { color: "#cf9bff", backgroundColor: "#241f2e" }, links: { color: "#cf9bff" } },
};
const place = document.getElementById("redoc");
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
Redoc.init(place.dataset.schema, { theme: isDark ? dark : {} }, place);
