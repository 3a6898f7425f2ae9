// Drafts save themselves: the only work of this script. Every so often, when what is typed in a
// form with data-draft has changed, it goes to where the form goes, as « acte=auto »; files wait
// for a button. What came of it is said in [data-saved]. Without this script, buttons do it all.
"use strict";

(function () {
  function typed(form) {
    var content = new FormData(form);
    ["fichiers", "retirer", "jeton", "acte"].forEach(function (name) { content.delete(name); });
    return content;
  }

  function mark(form) {
    return JSON.stringify(Array.from(typed(form).entries()));
  }

  function prepare(form) {
    var said = form.querySelector("[data-saved]"), known = mark(form), saving = null, ended = false;

    function tell(text, isTrouble) {
      said.textContent = text;
      said.classList.toggle("error", isTrouble);
    }

    function save() {
      var now = mark(form);
      if (saving || ended || now === known) { return; }
      var content = typed(form);
      content.append("jeton", form.elements.jeton.value);
      content.append("acte", "auto");
      saving = fetch(form.action, {
        method: "POST", body: content, credentials: "same-origin", redirect: "manual"
      }).then(function (answer) {
        if (answer.type === "opaqueredirect") {
          ended = true;
          throw new Error(form.dataset.locked);
        }
        return answer.json().then(function (told) {
          if (!answer.ok) {
            ended = answer.status === 409;
            throw new Error(told.said);
          }
          known = now;
          if (told.action !== form.getAttribute("action")) {
            form.setAttribute("action", told.action);
            history.replaceState(null, "", told.action);
          }
          if (told.said) { tell(told.said, false); }
        }, function () { throw new Error(form.dataset.failed); });
      }).catch(function (trouble) {
        tell(trouble instanceof TypeError ? form.dataset.failed : trouble.message, true);
      }).then(function () { saving = null; });
    }

    // whoever presses a button while a saving is on its way waits for its answer: it moves the draft
    form.addEventListener("submit", function (event) {
      if (!saving) {
        ended = true;
        return;
      }
      event.preventDefault();
      saving.then(function () { form.requestSubmit(event.submitter || undefined); });
    });
    window.addEventListener("pageshow", function (event) { if (event.persisted) { ended = false; } });
    setInterval(save, Number(form.dataset.draft) * 1000);
    document.addEventListener("visibilitychange", function () {
      if (document.visibilityState === "hidden") { save(); }
    });
  }

  if (window.fetch && window.FormData && FormData.prototype.entries) {
    document.querySelectorAll("form[data-draft]").forEach(prepare);
  }
})();
