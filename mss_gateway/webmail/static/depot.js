// Files let fall on a field with data-drop are chosen in it, as by its button: the only work of this
// script. What the field then says of itself is the browser's; [data-dropped] says that it can.
"use strict";

(function () {
  function prepare(zone) {
    var input = zone.querySelector("input[type=file]"), said = zone.querySelector("[data-dropped]");

    function holdsFiles(event) {
      return Boolean(event.dataTransfer) && Array.from(event.dataTransfer.types).includes("Files");
    }

    ["dragenter", "dragover", "dragleave", "drop"].forEach(function (name) {
      zone.addEventListener(name, function (event) {
        if (!holdsFiles(event)) { return; }
        event.preventDefault();
        zone.classList.toggle("over", name === "dragenter" || name === "dragover");
        if (name === "drop" && event.dataTransfer.files.length) {
          input.files = event.dataTransfer.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
          input.focus();
        }
      });
    });
    input.addEventListener("change", function () {
      said.textContent = Array.from(input.files, function (file) { return file.name; }).join(", ");
    });
    said.textContent = zone.dataset.drop;
  }

  if (window.DataTransfer) { document.querySelectorAll("[data-drop]").forEach(prepare); }
})();
