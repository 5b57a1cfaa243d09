// The code of an e-mail's link stands after #, so that no server and no log sees it. It
// moves into the form, and out of the address bar and the history.
"use strict";
function takeCode() {
  const field = document.querySelector("input[name=code]");
  if (location.hash.length > 1) {
    field.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
  }
  const given = field.value !== "";
  field.closest("label").hidden = given;
  for (const part of document.querySelectorAll("[data-code]")) {
    part.hidden = (part.dataset.code === "given") !== given;
  }
}
window.addEventListener("hashchange", takeCode);
takeCode();
